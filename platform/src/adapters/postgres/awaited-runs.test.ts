import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { expect, test } from "vitest";
import { environmentFixture } from "../../../test/support/store-fixture.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import { batchOutcome } from "./awaited-runs.ts";
import { inTransaction } from "./transaction.ts";

const { pool } = await testDatabase();
const { environmentId } = await environmentFixture(pool);

/** A batch whose runs have ended with outputs of these sizes. */
async function endedBatch(bytes: number[]): Promise<string> {
  const batchId = newUuid();
  for (const [item, size] of bytes.entries()) {
    await pool.query(
      `with ended as (
         insert into run_history (environment_id, id, finished_at, task_id, status, revision, queue_id, concurrency_key,
           priority_ms, created_at, attempt, max_attempts, attempts, platform_losses, deferrals, depth, compute_ms, is_test,
           tags, payload, payload_type, output, output_type)
         values ($1, $2, now(), 'task', 'COMPLETED', 1, 1, '', 0, now(), 1, 1, '[]', 0, 0, 0, 0, false, '{}', '1',
           'application/json', convert_to('"' || repeat('x', $5 - 2) || '"', 'UTF8'), 'application/json') returning id)
       insert into batch_item (batch_id, item, run_id) select $3, $4, id from ended`,
      [environmentId, newUuid(), batchId, item, size],
    );
  }
  return batchId;
}

const outcome = (batchId: string) => inTransaction(pool, (client) => batchOutcome(client, environmentId, batchId));

test("a batch gives each run's output, in the order of its items", async () => {
  const { ok, value } = await outcome(await endedBatch([4, 5]));
  expect(ok).toBe(true);
  expect(JSON.parse(String(value)).map(({ output }: { output: string }) => output)).toEqual(['"xx"', '"xxx"']);
});

test("outputs that are too large together are an error that names the limit, before anybody reads them", async () => {
  const half = DEFAULT_LIMITS.journalBytes / 2;
  const { ok, value, error } = await outcome(await endedBatch([half, half, 3]));
  expect({ ok, value, code: error?.code }).toEqual({ ok: false, value: null, code: "JOURNAL_LIMIT" });
  expect(error?.message).toContain("3 runs");
});
