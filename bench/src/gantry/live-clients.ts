/**
 * A process with many clients of realtime: each a WebSocket that speaks Socket.IO's protocol by hand, as the clients share the
 * machine's cores with what is measured. One of them, where it is asked for, never reads.
 */
import { REALTIME_NAMESPACE, REALTIME_PATH, type RealtimeTarget } from "@gantry/sdk/contract";
import { WebSocket } from "ws";

export interface LiveClientsOrder {
  url: string;
  token: string;
  runIds: string[];
  sockets: number;
  withSlow: boolean;
}

/** Sockets that are being made at once. */
const AT_ONCE = 50;

const sinces: number[] = [];
let isCounting = false;
const now = () => performance.timeOrigin + performance.now();

process.on("message", (message: LiveClientsOrder | "count" | "report") => {
  if (message === "count") {
    sinces.length = 0;
    isCounting = true;
  } else if (message === "report") {
    isCounting = false;
    process.send?.(sinces);
  } else void connectAll(message).then(() => process.send?.("ready"));
});

async function connectAll({ url, token, runIds, sockets, withSlow }: LiveClientsOrder): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < sockets) {
      const runId = runIds[next++ % runIds.length] as string;
      await connect(url, token, { kind: "run", runId });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  if (withSlow) (await connect(url, token, { kind: "environment" })).pause();
}

/** Resolves with a socket that has had its snapshot. */
function connect(url: string, token: string, target: RealtimeTarget): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace("http", "ws")}${REALTIME_PATH}/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("A client's socket was closed.")));
    socket.on("message", (data) => {
      const text = String(data);
      if (text === "2") socket.send("3");
      else if (text.startsWith("0")) socket.send(`40${REALTIME_NAMESPACE},${JSON.stringify({ token })}`);
      else if (text.startsWith(`40${REALTIME_NAMESPACE}`)) {
        socket.send(`42${REALTIME_NAMESPACE},0${JSON.stringify(["subscribe", { id: "1", target }])}`);
      } else if (text.startsWith(`44${REALTIME_NAMESPACE}`)) reject(new Error(text));
      else if (text.includes('"snapshot"')) resolve(socket);
      else if (isCounting) count(text);
    });
  });
}

function count(text: string): void {
  const at = /"setAt":([\d.]+)/.exec(text)?.[1];
  if (at !== undefined) sinces.push(now() - Number(at));
}
