import { Pool } from "pg";
import { beforeAll, describe, expect, test } from "vitest";
import { CHECKPOINT_SECRETS, checkpointActs } from "../../../test/support/checkpoint-acts.ts";
import { explain, notingPool, type PlanFacts } from "../../../test/support/query-plans.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { createPostgresCheckpointStore } from "./postgres-checkpoint-store.ts";

const { pool, url } = await testDatabase();
const MANY = 10_000;

/** Stored processes of two chunks each; runs refer to them, or `released` nothing does. */
async function many(n: number, environmentId: number, state: "stored" | "released"): Promise<void> {
  await pool.query(
    `with made as (
       insert into checkpoint (id, environment_id, run_id, execution_id, state, key_encrypted, chunks, stored_bytes, features,
         memo_encrypted)
       select gen_random_uuid(), $2, gen_random_uuid(), gen_random_uuid(), $3, '\\x00', 2, 200, $4::jsonb,
         decode(repeat('ab', 3000), 'hex')
       from generate_series(1, $1) returning id, run_id
     ), chunks as (
       insert into checkpoint_chunk (checkpoint_id, number, data)
       select m.id, n, decode(repeat('cd', 100), 'hex') from made m cross join generate_series(0, 1) n
     )
     insert into run (environment_id, id, task_id, status, queue_id, checkpoint_id, max_attempts, payload, payload_type)
     select $2, m.run_id, 'task', 'WAITING', 0, m.id, 1, '', 'application/json' from made m where $3 = 'stored'`,
    [
      n,
      environmentId,
      state,
      JSON.stringify({ node: "n", cpuFlags: Array.from({ length: 100 }, (_, i) => `flag${i}`) }),
    ],
  );
}

describe(`with ${MANY.toLocaleString("en")} stored processes`, () => {
  const { pool: noting, asked } = notingPool(pool);
  const checkpoints = createPostgresCheckpointStore(noting, CHECKPOINT_SECRETS);
  let acts: Awaited<ReturnType<typeof checkpointActs>>;
  let run: Awaited<ReturnType<typeof acts.suspended>>;
  beforeAll(async () => {
    acts = await checkpointActs(pool);
    run = await acts.suspended();
    await many(MANY, acts.at.environmentId, "stored");
    await many(50, acts.at.environmentId, "released");
    // What is not on disk yet no vacuum marks as seen by all, and tests commit without waiting for the disk.
    await pool.query("checkpoint");
    await pool.query("vacuum analyze checkpoint, checkpoint_chunk, run");
  }, 60_000);

  async function plansOf(act: () => Promise<unknown>): Promise<PlanFacts[]> {
    asked.length = 0;
    await act();
    return Promise.all(asked.map((query) => explain(pool, query)));
  }
  const owner = () => ({ executionId: newUuid(), checkpointId: run.stored.checkpointId });
  const environmentId = () => acts.at.environmentId;

  test.each<[string, () => Promise<unknown>, number]>([
    ["asking whether another fits", () => checkpoints.begin({ ...run.run, environmentId: environmentId() }, 1e9), 120],
    ["putting a chunk", () => checkpoints.putChunk(owner(), 0, Buffer.alloc(10)), 10],
    ["fetching a chunk", () => checkpoints.getChunk(owner(), 0), 15],
    ["a grant", () => checkpoints.restoreGrant(environmentId(), run.run.runId), 20],
    ["what a node must have", () => checkpoints.restoreNeeds(environmentId(), run.run.runId), 15],
    ["what became of a run's worker", () => checkpoints.ofRun(environmentId(), run.run.runId), 25],
    ["a failure", () => checkpoints.noteFailure(environmentId(), run.run.runId, "n"), 40],
    ["the figures", () => checkpoints.figures(), 150],
    ["looking for what is to be swept", () => checkpoints.sweep(3_600_000, 0), 20],
    ["finding what is to be swept", () => checkpoints.sweep(3_600_000, 10), 300],
  ])("%s goes along indexes, and reads next to nothing", async (_, act, wantBuffers) => {
    for (const plan of await plansOf(act)) {
      expect(plan.nodes, plan.text).not.toContain("Seq Scan");
      expect(plan.buffers, plan.text).toBeLessThan(wantBuffers);
    }
  });

  test("the sums of an environment and of all are read from an index alone", async () => {
    const [bytes] = await plansOf(() => checkpoints.begin({ ...run.run, environmentId: environmentId() }, 0));
    const [figures] = await plansOf(() => checkpoints.figures());
    for (const plan of [bytes, figures]) expect(plan?.nodes).toContain("Index Only Scan");
    expect(await checkpoints.figures()).toEqual({ stored: MANY + 1, storedBytes: 200 * MANY + 3100, staged: 0 });
  });
});

describe("a sweep", () => {
  test("deletes what was given up, and what was begun too long ago and never stored", async () => {
    const acts = await checkpointActs(pool);
    const kept = await acts.suspended();
    const [young, old] = [await acts.staged(await acts.idle()), await acts.staged(await acts.idle())];
    await pool.query("update checkpoint set created_at = now() - interval '2 hours' where id = any ($1::uuid[])", [
      [old.stored.checkpointId, kept.stored.checkpointId],
    ]);
    await acts.swept();
    const left = await Promise.all([kept, young, old].map(({ stored }) => acts.stateOf(stored.checkpointId)));
    expect(left).toEqual(["stored", "staged", undefined]);
    expect(await acts.chunksOf(old.stored.checkpointId)).toBe(0);
  });

  test("takes at most so many, and goes on where one was cut off", async () => {
    const acts = await checkpointActs(pool);
    await many(25, acts.at.environmentId, "released");
    const left = () => acts.count("checkpoint where environment_id = $1", acts.at.environmentId);
    // As a kill between two of its commits leaves it.
    await pool.query(
      `delete from checkpoint_chunk k using checkpoint c
       where c.id = k.checkpoint_id and c.environment_id = $1 and k.number = 0`,
      [acts.at.environmentId],
    );
    expect(await acts.checkpoints.sweep(3_600_000, 10)).toBe(10);
    expect(await left()).toBe(15);
    const swept = await Promise.all([acts.swept(), acts.swept()]);
    expect(swept[0] + swept[1]).toBe(15);
    expect(await left()).toBe(0);
  });

  test(`of ${MANY.toLocaleString("en")} keeps nobody waiting`, { timeout: 120_000 }, async () => {
    const impatient = new Pool({
      connectionString: url,
      max: 10,
      options: "-c search_path=gantry -c lock_timeout=250 -c deadlock_timeout=100",
    });
    try {
      const acts = await checkpointActs(impatient);
      await many(MANY, acts.at.environmentId, "released");
      let isOver = false;
      const sweeping = acts.swept().finally(() => {
        isOver = true;
      });
      let runs = 0;
      // Whatever waits for a lock longer than that throws.
      for (; !isOver; runs++) {
        const { run, stored } = await acts.suspended();
        const restoring = await acts.restoring(run);
        expect(await acts.spend(restoring, stored.checkpointId)).toBe("granted");
        await acts.finish(restoring, "COMPLETED", restoring);
      }
      expect(await sweeping).toBeGreaterThanOrEqual(MANY);
      expect(runs).toBeGreaterThan(10);
    } finally {
      await impatient.end();
    }
  });
});
