import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Grant, Manifest } from "@gantry/sdk/contract";
import { decodeId } from "../../../platform/src/ids.ts";
import type { Bench } from "../bench.ts";
import { cpuMs } from "../cpu-time.ts";
import { BarePlatform } from "../gantry/bare-platform.ts";
import type { LiveClientsOrder } from "../gantry/live-clients.ts";
import { PlayedRunner } from "../gantry/played-runner.ts";
import { percentile } from "../measure.ts";
import type { Row } from "../row.ts";

const MB = 2 ** 20;
const SOCKETS = 10_000;
const RUNS = 1_000;
/** Each run changes once a second. */
const PERIOD_MS = 1_000;
/** Updates are sent this often, as many as are due: a timer has no more than a millisecond. */
const TICK_MS = 4;
const CLIENT_PROCESSES = 2;
const PROJECT_DIR = join(import.meta.dirname, "../../project");
const CLIENTS = join(import.meta.dirname, "../gantry/live-clients.ts");
const BUNDLE = { kind: "local" as const, bundleDir: "/nowhere", projectDir: PROJECT_DIR, envFiles: [] };

/** Ten clients see each run; all of them on one platform, whose workers are played over their real channel. */
export const liveUpdates: Row = {
  id: "live",
  what: "metadata set by a run → 10,000 sockets, 1,000 run updates/s, each to ten of them; one client never reads",
  goal: "p50 ≤ 30 ms, p99 ≤ 150 ms, ≤ 1.5 GB",
  async measure(bench) {
    const platform = await BarePlatform.start(await bench.database("live"), PROJECT_DIR);
    const clients: ChildProcess[] = [];
    try {
      return await measured(bench, platform, clients);
    } finally {
      for (const client of clients) client.kill("SIGKILL");
      await platform.stop();
    }
  },
};

async function measured(bench: Bench, platform: BarePlatform, clients: ChildProcess[]) {
  const sockets = Math.max(500, Math.round(SOCKETS * bench.effort.scale));
  const count = Math.max(100, Math.round(RUNS * bench.effort.scale));
  const { runner, grants } = await runsOf(platform, count);
  const { token } = await platform.api.createPublicToken({ scopes: ["read:runs"], expirationTime: "1h" });
  const before = await platform.memory();
  bench.log(`live: ${count} runs execute; ${sockets} sockets connect`);
  await Promise.all(
    Array.from({ length: CLIENT_PROCESSES }, (_, number) => {
      const order = {
        url: platform.url,
        token,
        runIds: grants.map(({ run }) => run.id),
        sockets: Math.round(sockets / CLIENT_PROCESSES),
        withSlow: number === 0,
      };
      return begin(order, clients);
    }),
  );
  const stop = updateAll(runner, grants);
  await delay(bench.effort.warmUpMs + 2 * PERIOD_MS);
  for (const client of clients) client.send("count");
  const pids = [[platform.pid()], [await bench.postgresPid()], clients.map(({ pid }) => pid ?? 0)];
  const usedBefore = await Promise.all(pids.map(cpuMs));
  const from = performance.now();
  await delay(bench.effort.roundMs * 2);
  const used = await Promise.all(pids.map(cpuMs));
  const cores = used.map((ms, index) => ((ms - (usedBefore[index] ?? 0)) / (performance.now() - from)).toFixed(2));
  const sinces = (await Promise.all(clients.map(report))).flat();
  const rss = await platform.memory();
  const heldBack = await platform.metric("gantry_realtime_held_back_total");
  stop();
  runner.close();
  const [p50, p99] = [percentile(sinces, 50), percentile(sinces, 99)];
  const rssMb = rss === undefined ? undefined : rss / MB;
  const perSecond = Math.round(sinces.length / ((bench.effort.roundMs * 2) / 1000));
  return {
    figures: [{ system: "Gantry", value: p50, rounds: [p50, p99] }],
    unit: "ms",
    isMet: p50 <= 30 && p99 <= 150 && (rssMb ?? 0) <= 1536,
    verdict: `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${rssMb?.toFixed(0) ?? "?"} MB`,
    notes: [
      `${sockets} sockets, ${count} runs that each change once a second, ${perSecond} messages a second arrived.`,
      `From the runner's message to the client's callback: through the store, by the machine's clock. Of the platform's memory ${before === undefined ? "?" : (before / MB).toFixed(0)} MB were there before the sockets.`,
      `The client that never reads was held back ${heldBack} times, and costs what its socket's buffer holds.`,
      `Cores used: platform ${cores[0]}, Postgres ${cores[1]}, clients ${cores[2]}.`,
      "The clients and the runner share the machine's cores with what is measured.",
    ],
  };
}

/** So many runs that execute on a played runner. */
async function runsOf(platform: BarePlatform, count: number): Promise<{ runner: PlayedRunner; grants: Grant[] }> {
  const unlimited = { apiBurst: 1_000_000_000, apiRefillPerSecond: 1_000_000_000 };
  await platform.api.setLimits({ ...unlimited, devConcurrency: count });
  const tasks = [{ id: "live", filePath: "live.ts", kind: "STANDARD" as const }];
  const manifest: Manifest = {
    manifestVersion: 1,
    sdkVersion: "0",
    runtime: "node",
    entry: "live.mjs",
    tasks,
    processKeepAlive: false,
    queues: [],
  };
  const { id } = await platform.api.registerDeployment({ manifest, source: BUNDLE, promote: true });
  const items = Array.from({ length: count }, () => ({ task: "live", payload: {} }));
  await platform.post("/api/v2/tasks/batch", { items });
  const worker = {
    workerId: "bench-runner",
    environmentId: await platform.environmentId(),
    deploymentId: decodeId("deployment", id) ?? "",
  };
  const runner = new PlayedRunner(platform.url, worker.workerId, platform.credentials.issueWorkerToken(worker));
  return { runner, grants: await runner.take(count) };
}

/** Every run once a PERIOD_MS, evenly spread over it. Returns what ends it. */
function updateAll(runner: PlayedRunner, grants: readonly Grant[]): () => void {
  const startedAt = performance.now();
  let done = 0;
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / PERIOD_MS) * grants.length);
    const some: Grant[] = [];
    for (; done < due; done++) some.push(grants[done % grants.length] as Grant);
    if (some.length > 0) runner.setMetadata(some, "setAt", () => performance.timeOrigin + performance.now());
  }, TICK_MS);
  return () => clearInterval(timer);
}

async function begin(order: LiveClientsOrder, clients: ChildProcess[]): Promise<void> {
  const client = fork(CLIENTS, {
    execArgv: ["--conditions=gantry-source"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  clients.push(client);
  client.send(order);
  const [said] = (await Promise.race([
    once(client, "message"),
    once(client, "exit").then(() => ["ended"]),
  ])) as unknown[];
  if (said !== "ready") throw new Error("A process of clients ended before its sockets were connected.");
}

async function report(client: ChildProcess): Promise<number[]> {
  const answer = once(client, "message");
  client.send("report");
  return ((await answer) as [number[]])[0];
}
