import { PgBoss } from "pg-boss";
import type { Payload, Peer } from "./peer.ts";

const QUEUE = "bench";

export async function pgBossPeer(databaseUrl: string): Promise<Peer> {
  const boss = new PgBoss({ connectionString: databaseUrl, schema: "pgboss", max: 20 });
  boss.on("error", () => undefined);
  await boss.start();
  await boss.createQueue(QUEUE);
  return {
    name: "pg-boss",
    note: "handler runs in the worker's process; jobs are fetched and completed 100 at a time",
    add: async (payload) => void (await boss.send(QUEUE, payload)),
    addMany: async (payloads) =>
      void (await boss.insert(
        QUEUE,
        payloads.map((data: Payload) => ({ data })),
      )),
    async work(onDone) {
      const options = { batchSize: 100, localConcurrency: 4, pollingIntervalSeconds: 0.5, burstWhenBatchFull: true };
      await boss.work(QUEUE, options, async (jobs: unknown[]) => {
        for (const _ of jobs) onDone();
      });
      return { stop: () => boss.offWork(QUEUE) };
    },
    clear: async () => void (await boss.deleteAllJobs(QUEUE)),
    close: () => boss.stop({ graceful: false }),
  };
}
