import { Queue, Worker } from "bullmq";
import type { Peer } from "./peer.ts";

const QUEUE = "bench";

export async function bullmqPeer(port: number): Promise<Peer> {
  const connection = { host: "127.0.0.1", port, maxRetriesPerRequest: null };
  const queue = new Queue(QUEUE, { connection });
  queue.on("error", () => undefined);
  await queue.waitUntilReady();
  return {
    name: "BullMQ",
    note: "Redis with appendfsync always; handler runs in the worker's process; keeps ended jobs in memory",
    add: async (payload) => void (await queue.add("job", payload)),
    addMany: async (payloads) => void (await queue.addBulk(payloads.map((data) => ({ name: "job", data })))),
    async work(onDone) {
      const worker = new Worker(QUEUE, async () => onDone(), { connection, concurrency: 50 });
      worker.on("error", () => undefined);
      return { stop: () => worker.close() };
    },
    clear: () => queue.obliterate({ force: true }),
    close: () => queue.close(),
  };
}
