import { expect, test } from "vitest";
import { environmentFixture, storeOn } from "../../test/support/store-fixture.ts";
import { testDatabase } from "../../test/support/test-database.ts";
import { EXECUTION_STATES } from "./execution-state.ts";

const { pool } = await testDatabase();

test("the table names every state that the database knows", async () => {
  const { rows } = await pool.query<{ state: string }>(
    "select unnest(enum_range(null::execution_state))::text as state",
  );
  expect(rows.map((row) => row.state).sort()).toEqual(Object.keys(EXECUTION_STATES).sort());
});

test("the store moves an execution along the table, and its end is the end of its row", async () => {
  const at = await environmentFixture(pool);
  const store = storeOn(pool);
  const [inserted] = await store.insert([at.run(await at.queue())]);
  const announced = inserted?.announcement === undefined ? [] : [inserted.announcement];
  const state = async () =>
    (await pool.query<{ state: string }>("select state::text from execution")).rows.map((row) => row.state);

  await store.admit(at.environmentId, 1, announced, new Map());
  expect(await state()).toEqual(["STARTING"]);
  const worker = { workerId: "worker", environmentId: at.environmentId, deploymentId: at.deploymentId };
  const [started] = await store.start(worker, 1);
  expect(await state()).toEqual([EXECUTION_STATES.STARTING.start]);
  if (started === undefined) throw new Error("nothing was started");
  await store.finish([
    { environmentId: at.environmentId, runId: started.runId, execution: started, status: "COMPLETED" },
  ]);
  expect(EXECUTION_STATES.RUNNING.end).toBe("ENDED");
  expect(await state()).toEqual([]);
});
