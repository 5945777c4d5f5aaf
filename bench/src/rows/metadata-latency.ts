import { REALTIME_NAMESPACE, REALTIME_PATH } from "@gantry/sdk/contract";
import { WebSocket } from "ws";
import { percentile } from "../measure.ts";
import type { Row } from "../row.ts";

const EVERY_MS = 237;

/** One real task in a real process, one client: every hop from `metadata.set` to a browser's callback, but the browser. */
export const metadataLatency: Row = {
  id: "metadata",
  what: "metadata.set in a task → a client's callback, one run",
  goal: "p50 ≤ 300 ms on the page; of it at most 100 ms here",
  async measure(bench) {
    const samples = Math.max(20, Math.round(100 * bench.effort.scale));
    const latencies = await bench.withGantry({ poolSize: 1 }, async (gantry) => {
      const runId = await gantry.begin("progress", { count: samples + 5, everyMs: EVERY_MS });
      return followed(gantry.url, gantry.key, runId, samples);
    });
    const [p50, p99] = [percentile(latencies, 50), percentile(latencies, 99)];
    return {
      figures: [{ system: "Gantry", value: p50, rounds: latencies }],
      unit: "ms",
      isMet: p50 <= 100,
      verdict: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      notes: [
        `${samples} changes, one every ${EVERY_MS} ms, by the machine's clock; through the runner and the store.`,
      ],
    };
  },
};

/** How old so many changes were when they arrived; milliseconds. */
function followed(url: string, token: string, runId: string, samples: number): Promise<number[]> {
  const latencies: number[] = [];
  const socket = new WebSocket(`${url.replace("http", "ws")}${REALTIME_PATH}/?EIO=4&transport=websocket`);
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => {
      const text = String(data);
      const setAt = /"setAt":([\d.]+)/.exec(text)?.[1];
      if (text === "2") socket.send("3");
      else if (text.startsWith("0")) socket.send(`40${REALTIME_NAMESPACE},${JSON.stringify({ token })}`);
      else if (text.startsWith(`40${REALTIME_NAMESPACE}`)) {
        const target = { kind: "run", runId };
        socket.send(`42${REALTIME_NAMESPACE},0${JSON.stringify(["subscribe", { id: "1", target }])}`);
      } else if (text.includes('["update"') && setAt !== undefined) {
        latencies.push(performance.timeOrigin + performance.now() - Number(setAt));
        if (latencies.length < samples) return;
        socket.terminate();
        resolve(latencies);
      }
    });
  });
}
