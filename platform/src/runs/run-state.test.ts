import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FINAL_RUN_STATUSES, isFinalRunStatus, RUN_STATUSES, type RunStatus } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { journalActs } from "../../test/support/journal-acts.ts";
import { storeActs } from "../../test/support/store-acts.ts";
import { testDatabase } from "../../test/support/test-database.ts";
import { EXECUTION_STATES } from "./execution-state.ts";
import { RUN_STATES } from "./run-state.ts";
import type { AdmittedRun } from "./run-store.ts";

const pairs = RUN_STATUSES.flatMap((from) => Object.values(RUN_STATES[from]).map((to: RunStatus) => `${from} → ${to}`));

describe("the table of a run's states", () => {
  test.each(FINAL_RUN_STATUSES)("%s is the end", (status) => {
    expect(RUN_STATES[status]).toEqual({});
  });

  test.each(RUN_STATUSES.filter((status) => !isFinalRunStatus(status)))(
    "from %s a run can be canceled, and reach an end",
    (status) => {
      const reached = reachableFrom(status);
      expect(reached.has("CANCELED")).toBe(true);
    },
  );

  test("every status is reached from those a run begins with", () => {
    const reached = new Set(
      (["QUEUED", "DELAYED", "PENDING_VERSION"] as const).flatMap((status) => [...reachableFrom(status)]),
    );
    expect(RUN_STATUSES.filter((status) => !reached.has(status))).toEqual([]);
  });
});

function reachableFrom(status: RunStatus): Set<RunStatus> {
  const reached = new Set<RunStatus>([status]);
  for (const one of reached) for (const next of Object.values(RUN_STATES[one]) as RunStatus[]) reached.add(next);
  return reached;
}

describe("the store's statements", async () => {
  const { pool } = await testDatabase();
  // The database itself notes every change of a status, whichever statement made it.
  await pool.query(`
    create table moved (run_id uuid, before text, after text);
    create function note_move() returns trigger language plpgsql as $$ begin
      insert into moved values (new.id, old.status, new.status); return null; end $$;
    create trigger note_move after update on run for each row when (old.revision <> new.revision) execute function note_move();
    create table gone (run_id uuid, before text);
    create function note_end() returns trigger language plpgsql as $$ begin
      insert into gone values (old.id, old.status); return null; end $$;
    create trigger note_end after delete on run for each row execute function note_end();
    create table execution_moved (before text, after text);
    create function note_execution() returns trigger language plpgsql as $$ begin
      insert into execution_moved values (old.state, case when tg_op = 'DELETE' then 'ENDED' else new.state::text end);
      return null; end $$;
    create trigger note_execution after update or delete on execution for each row execute function note_execution();`);
  const acts = await journalActs(pool);
  const { at, store } = acts;

  /** A run whose worker is held; `isWoken`: it is queued for its slot. */
  async function held(isWoken: boolean): Promise<AdmittedRun> {
    const run = await acts.waiting("hold");
    if (isWoken) await acts.fallDue(run);
    await acts.wake();
    return run;
  }

  /** What becomes of runs that wait, on a worker or on none. */
  async function moveWaiting(): Promise<void> {
    for (const isWoken of [false, true]) {
      for (const status of FINAL_RUN_STATUSES.filter((one) => one !== "EXPIRED")) {
        const run = await held(isWoken);
        await acts.finish(run, status, run, { mayBeHeld: true });
      }
      await acts.requeue(await held(isWoken));
      await acts.requeue(await held(isWoken), { delayMs: 1e6 });
      await store.suspendLost({ ...(await held(isWoken)), environmentId: at.environmentId });
    }
    await acts.park(await held(false), 0, "replay");
    for (const mode of ["hold", "replay"] as const) {
      await acts.fallDue(await acts.waiting(mode));
      await acts.resume();
    }
  }

  test("move runs along the table and nowhere else", async () => {
    const finals = FINAL_RUN_STATUSES;
    for (const status of finals) {
      if (status !== "EXPIRED") {
        const executing = await acts.executing();
        await acts.finish(executing, status, executing);
      }
      for (const over of [
        {},
        { status: "DELAYED", delayUntil: new Date(Date.now() + 1e6) },
        { status: "PENDING_VERSION" },
      ] as const) {
        if (!["CANCELED", "EXPIRED", "SYSTEM_FAILURE"].includes(status)) continue;
        const { run } = await acts.insert(over);
        await acts.finish({ runId: run.id }, status);
      }
    }
    const started = await acts.dequeued();
    await store.start({ workerId: "w", environmentId: at.environmentId, deploymentId: at.deploymentId }, 10);
    const retried = await acts.retryInPlace(started);
    expect(retried?.attempt).toBe(2);
    await acts.requeue(started, { delayMs: 0 });
    await store.enqueueDue(100);
    const [again] = await acts.admit((await store.strandedLanes("0", 1000)).lanes);
    expect(again?.runId).toBe(started.runId);
    await acts.requeue(again as typeof started);
    for (const status of ["CANCELED", "SYSTEM_FAILURE"] as const) {
      const dequeued = await acts.dequeued();
      await acts.finish(dequeued, status, dequeued);
    }
    await acts.requeue(await acts.dequeued());
    const startFailure = { code: "UNSCHEDULABLE", message: "0/1 nodes are available" };
    await acts.requeue(await acts.dequeued(), { delayMs: 1000, lost: false, attempt: undefined, startFailure });
    const { run: delayed } = await acts.insert({ status: "DELAYED", delayUntil: new Date(Date.now() + 1e6) });
    await store.reschedule(at.environmentId, delayed.id, new Date());
    await store.enqueueDue(100);
    await acts.insert({ status: "PENDING_VERSION" });
    await acts.insert({ status: "PENDING_VERSION", delayUntil: new Date(Date.now() + 1e6) });
    await store.releasePendingVersions(at.environmentId, 100);
    await moveWaiting();

    const { rows } = await pool.query<{ move: string }>(`
      select distinct before || ' → ' || after as move from moved where before <> after
      union select distinct g.before || ' → ' || h.status from gone g join run_history h on h.id = g.run_id`);
    const seen = rows.map((row) => row.move);
    expect(seen.filter((move) => !pairs.includes(move))).toEqual([]);
    const expected = pairs.filter((move) => move.split(" → ")[0] !== move.split(" → ")[1]);
    expect(expected.filter((move) => !seen.includes(move))).toEqual([]);
  });

  test("move executions along their table: one that has ended has no row", async () => {
    const { rows } = await pool.query<{ move: string }>(
      "select distinct before || ' → ' || after as move from execution_moved",
    );
    const allowed = Object.entries(EXECUTION_STATES).flatMap(([from, events]) =>
      Object.values(events).map((to) => `${from} → ${to}`),
    );
    const moves = rows.map((row) => row.move).sort();
    expect(moves.filter((move) => !allowed.includes(move))).toEqual([]);
    expect(allowed.filter((move) => !moves.includes(move))).toEqual([]);
  });

  test("end no run that is on a worker without naming its execution, and start none twice", async () => {
    const own = await storeActs(pool);
    const executing = await own.executing();
    expect(await own.finish(executing, "CANCELED")).toBe(false);
    expect(await own.status(executing.runId)).toBe("EXECUTING");
    const { at } = own;
    expect(
      await store.start({ workerId: "w", environmentId: at.environmentId, deploymentId: at.deploymentId }, 10),
    ).toEqual([]);
  });
});

test("only the Postgres adapter and the migration write a run's status", async () => {
  const root = join(import.meta.dirname, "..");
  const files = (await readdir(root, { recursive: true })).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
  );
  const writes = /(?:update|insert into|delete from)\s+run\b/i;
  const found: string[] = [];
  for (const name of files)
    if (writes.test(await readFile(join(root, name), "utf8"))) found.push(name.replaceAll("\\", "/"));
  expect(found.filter((name) => !name.startsWith("adapters/postgres/"))).toEqual([]);
  expect(found.length).toBeGreaterThan(0);
});
