import { createHash, randomBytes } from "node:crypto";
import type { NodeFeatures, StoredCheckpoint } from "@gantry/sdk/contract";
import type { Pool } from "pg";
import { createPostgresCheckpointStore } from "../../src/adapters/postgres/postgres-checkpoint-store.ts";
import { createPostgresJournalStore } from "../../src/adapters/postgres/postgres-journal-store.ts";
import type { ParkRequest } from "../../src/journal/journal-store.ts";
import type { AdmittedRun, ExecutionRef, NewRun } from "../../src/runs/run-store.ts";
import { MasterKey } from "../../src/secrets/master-key.ts";
import { SecretBox } from "../../src/secrets/secret-box.ts";
import { journalActs, opened } from "./journal-acts.ts";

export const FEATURES: NodeFeatures = {
  node: "node-a",
  arch: "x64",
  kernel: "6.18.44",
  cpuFlags: ["avx2", "sse4_2"],
};
export const CHECKPOINT_SECRETS = new SecretBox(new MasterKey(Buffer.alloc(32, 7).toString("base64")));
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

function described(checkpointId: string, chunks: Buffer[]): StoredCheckpoint {
  const all = Buffer.concat(chunks);
  return {
    checkpointId,
    chunks: chunks.length,
    bytes: 10 * all.length,
    storedBytes: all.length,
    sha256: createHash("sha256").update(all).digest("hex"),
    features: FEATURES,
    memo: '{"socketKey":"said to the next runner"}',
    dumpMs: 50,
    storeMs: 20,
  };
}

/** What tests of stored processes do again and again, on an environment of their own with one queue. */
export async function checkpointActs(pool: Pool, secrets: SecretBox = CHECKPOINT_SECRETS) {
  const journals = createPostgresJournalStore(pool, { secrets });
  const checkpoints = createPostgresCheckpointStore(pool, secrets);
  const waits = await journalActs(pool, journals);
  const { environmentId } = waits.at;
  const owned = (execution: ExecutionRef) => ({
    executionId: execution.executionId,
    fence: execution.fence,
    environmentId,
  });
  const acts = {
    ...waits,
    checkpoints,
    owned,
    /** A run that executes and whose journal has one wait of an hour. */
    async idle(over: Partial<NewRun> = {}): Promise<AdmittedRun> {
      const run = await waits.executing(over);
      await waits.append(run, 0, opened(0, { inMs: 3_600_000 }));
      return run;
    },
    /** Its process, in chunks that are all there; not parked yet. */
    async staged(run: AdmittedRun, chunks: Buffer[] = [randomBytes(3000), randomBytes(100)]) {
      const begun = await checkpoints.begin(owned(run), NO_LIMIT);
      if (typeof begun === "string" || "limit" in begun) throw new Error("it was not begun");
      const { checkpointId, key } = begun;
      const owner = { executionId: run.executionId, checkpointId };
      for (const [number, data] of chunks.entries()) await checkpoints.putChunk(owner, number, data);
      const stored = described(checkpointId, chunks);
      return { stored, key, chunks };
    },
    parkStored(run: AdmittedRun, checkpoint: StoredCheckpoint, known = 0, over: Partial<ParkRequest> = {}) {
      return waits.park(run, known, "process", { checkpoint, reason: "PROCESS_MODE", ...over });
    },
    /** A run that waits for an hour, its process stored. */
    async suspended(over: Partial<NewRun> = {}, chunks?: Buffer[]) {
      const run = await acts.idle(over);
      const staged = await acts.staged(run, chunks);
      const { state } = await acts.parkStored(run, staged.stored);
      if (state !== "SUSPENDED") throw new Error(`its process was not stored: ${state}`);
      return { ...staged, run };
    },
    /** What waits is woken, admitted, and started by a worker that was launched for it. */
    async restoring(run: { runId: string }): Promise<AdmittedRun> {
      await waits.fallDue(run);
      const [admitted] = await waits.resume();
      if (admitted?.runId !== run.runId) throw new Error("another run was admitted");
      return acts.begun(admitted);
    },
    async begun({ executionId }: AdmittedRun): Promise<AdmittedRun> {
      const { deploymentId } = waits.at;
      const [begun] = await waits.store.start({ workerId: "w", environmentId, deploymentId, executionId }, 1);
      if (begun === undefined) throw new Error("it could not be started");
      return begun;
    },
    spend: (execution: ExecutionRef, checkpointId: string) => checkpoints.spend(owned(execution), checkpointId),
    async referred(run: { runId: string }): Promise<string | undefined> {
      const { rows } = await pool.query<{ id: string | null }>("select checkpoint_id as id from run where id = $1", [
        run.runId,
      ]);
      return rows[0]?.id ?? undefined;
    },
    async stateOf(checkpointId: string): Promise<string | undefined> {
      const { rows } = await pool.query<{ state: string }>("select state from checkpoint where id = $1", [
        checkpointId,
      ]);
      return rows[0]?.state;
    },
    chunksOf: (checkpointId: string) => waits.count("checkpoint_chunk where checkpoint_id = $1", checkpointId),
    /** All that nothing needs any more. */
    async swept(): Promise<number> {
      let all = 0;
      for (let n = 100; n === 100; all += n) n = await checkpoints.sweep(3_600_000, 100);
      return all;
    },
  };
  return acts;
}
