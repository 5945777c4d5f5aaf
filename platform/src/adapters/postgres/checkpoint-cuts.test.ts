import { randomBytes } from "node:crypto";
import { Pool } from "pg";
import { afterAll, beforeEach, expect, test } from "vitest";
import { CHECKPOINT_SECRETS, checkpointActs } from "../../../test/support/checkpoint-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { ParkRequest } from "../../journal/journal-store.ts";
import { createPostgresCheckpointStore } from "./postgres-checkpoint-store.ts";
import { createPostgresJournalStore } from "./postgres-journal-store.ts";

const { pool, url } = await testDatabase();
/** Its connections are cut: as a kill of the platform, or of the network, does between any two lines. */
const brittle = new Pool({
  connectionString: url,
  max: 5,
  options: "-c search_path=gantry -c application_name=brittle",
});
brittle.on("error", () => undefined);
afterAll(() => brittle.end());

const cut = createPostgresCheckpointStore(brittle, CHECKPOINT_SECRETS);
const cutJournals = createPostgresJournalStore(brittle, { secrets: CHECKPOINT_SECRETS });
let acts: Awaited<ReturnType<typeof checkpointActs>>;
beforeEach(async () => {
  acts = await checkpointActs(pool);
});

/** After so many round trips of another's. */
async function cutAfter(trips: number): Promise<void> {
  for (let n = 0; n < trips; n++) await pool.query("select 1");
  await pool.query("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'brittle'");
}

/** As whoever asks does: again, until there is an answer. Also how often there was none. */
async function asked<T>(work: () => Promise<T>): Promise<{ answer: T; lost: number }> {
  for (let lost = 0; ; lost++) {
    try {
      return { answer: await work(), lost };
    } catch (error) {
      if (lost > 50) throw error;
      if (!/terminat|closed|ECONNRESET|not queryable/.test(String(error))) throw error;
    }
  }
}

const ROUNDS = 24;
const PARK: ParkRequest = {
  attempt: 1,
  known: 0,
  mode: "process",
  reason: "PROCESS_MODE",
  computeMs: 0,
  ifLost: { then: "fail" },
};

test("a park that is cut off and asked again has stored the process once", async () => {
  let lost = 0;
  for (let n = 0; n < ROUNDS; n++) {
    const run = await acts.idle();
    const { stored } = await acts.staged(run);
    const request = { ...PARK, checkpoint: stored };
    const parking = asked(() => cutJournals.park(acts.ownerOf(run), request, 100));
    await cutAfter(n % 8);
    const reply = await parking;
    lost += reply.lost;
    // Fenced: the first one was carried out, and its reply was lost.
    expect(["SUSPENDED", "fenced"]).toContain(reply.answer === "fenced" ? "fenced" : reply.answer.state);
    expect(await acts.referred(run)).toBe(stored.checkpointId);
    expect(await acts.stateOf(stored.checkpointId)).toBe("stored");
    expect(await acts.count("slot where run_id = $1", run.runId)).toBe(0);
  }
  expect(lost).toBeGreaterThan(0);
});

test("a runner that asks again whether its process may go on is told that it may", async () => {
  let lost = 0;
  for (let n = 0; n < ROUNDS; n++) {
    const { run, stored } = await acts.suspended();
    const restoring = await acts.restoring(run);
    const spending = asked(() => cut.spend(acts.owned(restoring), stored.checkpointId));
    await cutAfter(n % 6);
    const reply = await spending;
    lost += reply.lost;
    expect(reply.answer).toBe("granted");
    expect(await acts.referred(run)).toBeUndefined();
    expect(await acts.stateOf(stored.checkpointId)).toBe("released");
  }
  expect(lost).toBeGreaterThan(0);
});

test("chunks that are cut off and sent again are there once, and a sweep that is cut off is gone on with", async () => {
  for (let n = 0; n < ROUNDS; n++) {
    const run = await acts.idle();
    const { stored } = await acts.staged(run, []);
    const owner = { executionId: run.executionId, checkpointId: stored.checkpointId };
    const chunks = Array.from({ length: 10 }, () => randomBytes(100_000));
    const putting = Promise.all(chunks.map((data, number) => asked(() => cut.putChunk(owner, number, data))));
    await cutAfter(n % 5);
    await putting;
    expect(await acts.chunksOf(stored.checkpointId)).toBe(10);
    await acts.finish(run, "CANCELED", run);
    const sweeping = asked(() => cut.sweep(-1000, 100));
    await cutAfter(n % 5);
    await sweeping;
    await acts.checkpoints.sweep(-1000, 100);
    expect(await acts.stateOf(stored.checkpointId)).toBeUndefined();
    expect(await acts.chunksOf(stored.checkpointId)).toBe(0);
  }
});
