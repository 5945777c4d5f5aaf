import { Logger, makeWorkerUtils, run } from "graphile-worker";
import { Pool } from "pg";
import type { Peer } from "./peer.ts";

const TASK = "bench";
const quiet = new Logger(() => () => undefined);

export async function graphileWorkerPeer(databaseUrl: string): Promise<Peer> {
  const pgPool = new Pool({ connectionString: databaseUrl, max: 20 });
  pgPool.on("error", () => undefined);
  pgPool.on("connect", (client) => client.on("error", () => undefined));
  const utils = await makeWorkerUtils({ pgPool, logger: quiet });
  await utils.migrate();
  return {
    name: "graphile-worker",
    note: "handler runs in the worker's process; deletes ended jobs, so it writes no history",
    add: async (payload) => void (await utils.addJob(TASK, payload)),
    addMany: async (payloads) =>
      void (await utils.addJobs(payloads.map((payload) => ({ identifier: TASK, payload: { ...payload } })))),
    async work(onDone) {
      const runner = await run({
        pgPool,
        logger: quiet,
        noHandleSignals: true,
        taskList: { [TASK]: async () => onDone() },
        preset: {
          worker: { concurrentJobs: 20, localQueue: { size: 100 }, completeJobBatchDelay: 0, pollInterval: 500 },
        },
      });
      return { stop: () => runner.stop() };
    },
    clear: async () => void (await pgPool.query("truncate graphile_worker._private_jobs")),
    async close() {
      await utils.release();
      await pgPool.end();
    },
  };
}
