import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { evenRandom } from "../../../test/support/even-random.ts";
import {
  type EnvironmentFixture,
  environmentFixture,
  type QueueLimits,
  storeOn,
} from "../../../test/support/store-fixture.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { AdmittedRun, LaneAnnouncement, NewRun, RunStore } from "../../runs/run-store.ts";
import { createPool } from "./pool.ts";

const { pool, url } = await testDatabase();
const store = storeOn(pool);

async function insert(runs: Parameters<RunStore["insert"]>[0]): Promise<LaneAnnouncement[]> {
  return (await store.insert(runs)).flatMap((run) => (run.announcement === undefined ? [] : [run.announcement]));
}

async function admit(at: EnvironmentFixture, n: number, announced: LaneAnnouncement[] = []): Promise<AdmittedRun[]> {
  const admitted = await store.admit(at.environmentId, n, announced, at.warm);
  if (admitted === "busy") throw new Error("nobody else admits in this test");
  return admitted;
}

const finish = (at: EnvironmentFixture, runs: AdmittedRun[]) =>
  store.finish(
    runs.map((run) => ({
      environmentId: at.environmentId,
      runId: run.runId,
      execution: run,
      status: "COMPLETED" as const,
    })),
  );

describe("admission", () => {
  it("takes runs in order, those with a head start first", async () => {
    const at = await environmentFixture(pool);
    const queue = await at.queue();
    const runs = [at.run(queue), at.run(queue), at.run(queue, { priorityMs: 60_000 })];
    const admitted = await admit(at, 10, await insert(runs));
    expect(admitted.map((run) => run.runId).sort()).toEqual(runs.map((run) => run.id).sort());
    const again = [at.run(queue), at.run(queue, { priorityMs: 60_000 })];
    const [first] = await admit(at, 1, await insert(again));
    expect(first?.runId).toBe(again[1]?.id);
  });

  it("serves lanes in turn, so that a long backlog of one key holds up no other", async () => {
    const at = await environmentFixture(pool, { limit: 4 });
    const queue = await at.queue();
    const flood = Array.from({ length: 200 }, () => at.run(queue, { concurrencyKey: "flood" }));
    const announced = await insert(flood);
    const first = await admit(at, 4, announced);
    const late = at.run(queue, { concurrencyKey: "late" });
    const lateAnnounced = await insert([late]);
    const freed = await finish(at, first);
    const next = await admit(at, 4, [...lateAnnounced, ...freed.flatMap((run) => run.announcement ?? [])]);
    expect(next.map((run) => run.runId)).toContain(late.id);
  });

  it("fills the room from as many lanes as it takes", async () => {
    const at = await environmentFixture(pool);
    const queue = await at.queue({ limit: 1 });
    const announced = await insert(Array.from({ length: 90 }, (_, n) => at.run(queue, { concurrencyKey: `key-${n}` })));
    expect(await admit(at, 100, announced)).toHaveLength(90);
  });

  it("gets past any number of lanes that a combined limit holds", async () => {
    const at = await environmentFixture(pool);
    const held = await at.queue({ combined: 1 });
    const free = await at.queue();
    const announced = await insert([
      ...Array.from({ length: 100 }, (_, n) => at.run(held, { concurrencyKey: `key-${n}` })),
      at.run(free),
    ]);
    expect(await admit(at, 50, announced)).toHaveLength(2);
  });

  it("passes over all lanes of a full queue at once, and serves the next as soon as there is room", async () => {
    const at = await environmentFixture(pool);
    const held = await at.queue({ combined: 2 });
    const announced = await insert(Array.from({ length: 300 }, (_, n) => at.run(held, { concurrencyKey: `key-${n}` })));
    const seen: string[] = [];
    let running = await admit(at, 50, announced);
    for (let round = 0; round < 10; round++) {
      expect(running).toHaveLength(2);
      seen.push(...running.map((run) => run.runId));
      const freed = (await finish(at, running)).flatMap((run) => run.announcement ?? []);
      running = await admit(at, 50, freed);
      // Nothing waits for a clock: what holds the others is announced.
      expect(await store.nextTurnInMs(at.environmentId)).toBeUndefined();
    }
    expect(new Set(seen).size).toBe(20);
  });

  it("starts no more than a rate over all keys allows, and says when the next may start", async () => {
    const at = await environmentFixture(pool);
    const queue = await at.queue({ rate: { limit: 3, periodMs: 60_000, key: "queue" } });
    const announced = await insert(
      Array.from({ length: 100 }, (_, n) => at.run(queue, { concurrencyKey: `key-${n}` })),
    );
    expect(await admit(at, 50, announced)).toHaveLength(3);
    expect(await admit(at, 50)).toEqual([]);
    const ms = await store.nextTurnInMs(at.environmentId);
    expect(ms).toBeGreaterThan(50_000);
    expect(ms).toBeLessThanOrEqual(61_000);
    // What has left the window makes room again.
    await pool.query("update rate_window set ends = array(select e - 120000 from unnest(ends) e) where queue_id = $1", [
      queue,
    ]);
    expect(await admit(at, 50)).toHaveLength(3);
  });

  it("does nothing while the environment is paused, and loses nothing by it", async () => {
    const at = await environmentFixture(pool);
    const queue = await at.queue();
    await pool.query("update environment set paused_at = now() where id = $1", [at.environmentId]);
    expect(await admit(at, 10, await insert([at.run(queue)]))).toEqual([]);
    await pool.query("update environment set paused_at = null where id = $1", [at.environmentId]);
    expect(await admit(at, 10)).toHaveLength(1);
  });

  it("finds a lane whose announcement was lost by the sweep", async () => {
    const at = await environmentFixture(pool);
    const queue = await at.queue();
    await insert([at.run(queue)]);
    expect(await admit(at, 10)).toEqual([]);
    const found = (await store.strandedLanes("0", 100_000)).lanes.filter(
      (lane) => lane.environmentId === at.environmentId,
    );
    expect(await admit(at, 10, found)).toHaveLength(1);
  });

  it("answers busy while another admission of the environment is under way", async () => {
    const at = await environmentFixture(pool);
    const client = await pool.connect();
    await client.query("begin");
    await client.query("select pg_advisory_xact_lock(4400, $1)", [at.environmentId]);
    expect(await store.admit(at.environmentId, 1, [], at.warm)).toBe("busy");
    await client.query("rollback");
    client.release();
  });

  it("writes at most three tuples and five index entries for a plain trigger", async () => {
    const at = await environmentFixture(pool);
    const queue = await at.queue();
    await insert([at.run(queue)]);
    const run = at.run(queue);
    await insert([run]);
    const tables = await tablesWrittenWith(run.id);
    expect(tables.length).toBeLessThanOrEqual(3);
    const { rows } = await pool.query<{ entries: number }>(
      "select count(*)::int as entries from pg_index where indrelid = any ($1::regclass[]) and indpred is null",
      [tables],
    );
    expect(rows[0]?.entries).toBeLessThanOrEqual(5);
  });
});

/** A table for each tuple that the transaction which made the run has written. */
async function tablesWrittenWith(runId: string): Promise<string[]> {
  const { rows: made } = await pool.query<{ xmin: string }>("select xmin::text from run where id = $1", [runId]);
  const { rows: tables } = await pool.query<{ name: string }>(
    "select c.oid::regclass::text as name from pg_class c where relnamespace = current_schema()::regnamespace and relkind = 'r'",
  );
  const counts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${name} where xmin::text = $1`, [
        made[0]?.xmin,
      ]);
      return Array.from({ length: rows[0]?.n ?? 0 }, () => name);
    }),
  );
  return counts.flat();
}

interface World {
  environmentLimit: number;
  queues: { limits: QueueLimits; keys: number; runs: number }[];
}

const worlds: fc.Arbitrary<World> = fc.record({
  environmentLimit: fc.integer({ min: 1, max: 12 }),
  queues: fc.array(
    fc.record({
      limits: fc.record({
        limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: null }),
        combined: fc.option(fc.integer({ min: 1, max: 5 }), { nil: null }),
      }),
      keys: fc.integer({ min: 1, max: 5 }),
      runs: fc.integer({ min: 1, max: 40 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

describe("admission by several schedulers at once", () => {
  it("never exceeds a limit, and runs every run exactly once", async () => {
    await fc.assert(
      fc.asyncProperty(worlds, fc.integer(), (world, seed) => drive(world, seed)),
      { numRuns: 25 },
    );
  }, 120_000);

  it("never starts more in any window than a rate allows", async () => {
    const at = await environmentFixture(pool, { limit: 1000 });
    const rate = { limit: 7, periodMs: 300 };
    const queue = await at.queue({ rate });
    const announced = await insert(Array.from({ length: 40 }, () => at.run(queue)));
    const pools = [createPool({ connectionString: url, max: 2 }), createPool({ connectionString: url, max: 2 })];
    let left = 40;
    await Promise.all(
      pools.map(async (own) => {
        const mine = storeOn(own);
        while (left > 0) {
          const admitted = await mine.admit(at.environmentId, 100, announced, at.warm);
          if (admitted !== "busy") left -= admitted.length;
        }
      }),
    );
    await Promise.all(pools.map((own) => own.end()));
    const { rows } = await pool.query<{ at: string }>(
      "select extract(epoch from started_at) * 1000 as at from run where environment_id = $1 order by started_at",
      [at.environmentId],
    );
    const starts = rows.map((row) => Number(row.at));
    expect(starts).toHaveLength(40);
    for (let i = rate.limit; i < starts.length; i++) {
      expect((starts[i] as number) - (starts[i - rate.limit] as number)).toBeGreaterThanOrEqual(rate.periodMs);
    }
  }, 60_000);
});

/** Three schedulers admit, finish, cancel and requeue at random until nothing is left; an observer counts slots all the while. */
async function drive(world: World, seed: number): Promise<void> {
  const at = await environmentFixture(pool, { limit: world.environmentLimit });
  const chance = evenRandom(seed);
  const runs: NewRun[] = [];
  for (const { limits, keys, runs: count } of world.queues) {
    const queue = await at.queue(limits);
    for (let n = 0; n < count; n++) runs.push(at.run(queue, { concurrencyKey: keys === 1 ? "" : `key-${n % keys}` }));
  }
  const announcements: LaneAnnouncement[] = [];
  const inserting = (async () => {
    for (let i = 0; i < runs.length; i += 7) announcements.push(...(await insert(runs.slice(i, i + 7))));
  })();
  const ended = new Map<string, number>();
  const executions = new Set<string>();
  const note = (runId: string) => ended.set(runId, (ended.get(runId) ?? 0) + 1);
  const isDone = () => ended.size === runs.length;

  const scheduler = async () => {
    const own = createPool({ connectionString: url, max: 2 });
    const mine = storeOn(own);
    while (!isDone()) {
      const taken = announcements.splice(0);
      const admitted = await mine.admit(at.environmentId, 1 + Math.floor(chance() * 8), taken, at.warm);
      if (admitted === "busy") {
        announcements.push(...taken);
        continue;
      }
      for (const run of admitted) {
        if (executions.has(run.executionId)) throw new Error("an execution was given twice");
        executions.add(run.executionId);
        await carryOn(mine, run);
      }
      if (admitted.length === 0 && chance() < 0.05) {
        announcements.push(
          ...(await mine.strandedLanes("0", 100_000)).lanes.filter((lane) => lane.environmentId === at.environmentId),
        );
      }
    }
    await own.end();
  };
  const carryOn = async (mine: RunStore, run: AdmittedRun) => {
    if (chance() < 0.2) {
      const back = await mine.requeue({
        environmentId: at.environmentId,
        runId: run.runId,
        execution: run,
        nextAttempt: run.attempt,
        attempt: { number: run.attempt, startedAt: "", finishedAt: "", outcome: "LOST" },
        computeMs: 0,
        lost: true,
        deferred: false,
      });
      if (back !== "fenced") announcements.push(back.announcement);
      return;
    }
    const finished = await mine.finish([
      { environmentId: at.environmentId, runId: run.runId, execution: run, status: "COMPLETED" },
    ]);
    for (const one of finished) {
      note(one.runId);
      if (one.announcement !== undefined) announcements.push(one.announcement);
    }
    // A stale worker's second word changes nothing.
    const again = await mine.finish([
      { environmentId: at.environmentId, runId: run.runId, execution: run, status: "FAILED" },
    ]);
    for (const one of again) note(one.runId);
  };
  const canceler = async () => {
    await inserting;
    for (const run of runs.filter(() => chance() < 0.15)) {
      const gone = await store.finish([
        { environmentId: at.environmentId, runId: run.id, execution: undefined, status: "CANCELED" },
      ]);
      for (const one of gone) note(one.runId);
    }
  };
  const observer = async () => {
    while (!isDone()) await expectLimits(at, world);
  };
  await Promise.all([inserting, scheduler(), scheduler(), scheduler(), canceler(), observer()]);
  expect([...ended.values()].every((times) => times === 1)).toBe(true);
  const { rows } = await pool.query<{ live: string; slots: string; ready: string; history: string }>(
    `select (select count(*) from run where environment_id = $1) as live,
       (select count(*) from slot where environment_id = $1) as slots,
       (select count(*) from ready d join lane l on l.id = d.lane_id where l.environment_id = $1) as ready,
       (select count(*) from run_history where environment_id = $1) as history`,
    [at.environmentId],
  );
  expect(rows[0]).toEqual({ live: "0", slots: "0", ready: "0", history: String(runs.length) });
}

async function expectLimits(at: EnvironmentFixture, world: World): Promise<void> {
  const { rows } = await pool.query<{ over: string }>(
    `select 'environment' as over from slot where environment_id = $1 having count(*) > $2
     union all
     select 'lane ' || s.lane_id from slot s join queue q on q.id = s.queue_id where s.environment_id = $1
       group by s.lane_id, q.declared_limit having count(*) > q.declared_limit
     union all
     select 'queue ' || s.queue_id from slot s join queue q on q.id = s.queue_id where s.environment_id = $1
       group by s.queue_id, q.combined_limit having count(*) > q.combined_limit`,
    [at.environmentId, world.environmentLimit],
  );
  expect(rows).toEqual([]);
}
