import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { sweepLoop } from "../../loops/sweep-loop.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { Announcements } from "../../runs/announcements.ts";
import { createQueueService } from "./queues.ts";

const { pool } = await testDatabase();

async function world() {
  const acts = await storeActs(pool);
  const announcements = new Announcements(() => {});
  const taken = () => announcements.take(acts.at.environmentId, 1000);
  const queues = createQueueService(pool, announcements);
  const environment = { id: acts.at.environmentId } as EnvironmentRef;
  const lanes = async () =>
    (await pool.query("select * from lane where environment_id = $1 order by id", [acts.at.environmentId])).rows;
  return { ...acts, announcements, taken, queues, environment, lanes };
}

describe("the sweep", () => {
  test("walks over all lanes in slices and finds what no announcement told of", async () => {
    const { at, store, queueId } = await world();
    await store.insert(Array.from({ length: 25 }, (_, n) => at.run(queueId, { concurrencyKey: `k${n}` })));
    const found = new Set<string>();
    let slices = 0;
    for (let after: string | undefined = "0"; after !== undefined; slices++) {
      const { lanes, last } = await store.strandedLanes(after, 10);
      for (const lane of lanes) if (lane.environmentId === at.environmentId) found.add(lane.laneId);
      after = last;
    }
    expect(found.size).toBe(25);
    expect(slices).toBeGreaterThan(2);
  });

  test("passes over lanes that are full, paused or empty", async () => {
    const { at, store, admit, announcements, queues, environment } = await world();
    const full = await at.queue({ limit: 1 });
    await store.insert([at.run(full), at.run(full)]);
    await admit((await store.strandedLanes("0", 100_000)).lanes);
    const paused = await at.queue();
    await store.insert([at.run(paused)]);
    await queues.setPaused(environment, { type: "id", name: `queue_${paused}` }, true);
    announcements.take(at.environmentId, 100);
    const { lanes } = await store.strandedLanes("0", 100_000);
    expect(lanes.filter((lane) => lane.environmentId === at.environmentId)).toEqual([]);
  });

  test("brings a lane forward to a run that sorts before its head", async () => {
    const { at, store, queueId, admit } = await world();
    const first = await store.insert(Array.from({ length: 3 }, () => at.run(queueId)));
    await admit(first.flatMap((one) => one.announcement ?? []));
    await store.insert([at.run(queueId)]);
    const urgent = at.run(queueId, { priorityMs: 3600_000 });
    const late = await store.insert([urgent]);
    // Somebody else's announcement woke the lane from its later head on.
    await admit(
      late.map((one) => ({ ...(one.announcement as NonNullable<typeof one.announcement>), orderAt: undefined })),
    );
    const found = (await store.strandedLanes("0", 100_000)).lanes.filter(
      (lane) => lane.environmentId === at.environmentId,
    );
    if ((await store.retrieve(at.environmentId, urgent.id))?.status === "QUEUED") await admit(found);
    expect((await store.retrieve(at.environmentId, urgent.id))?.status).toBe("EXECUTING");
  });

  test("goes on without a rest until it has been everywhere once, and releases runs whose version came while they were triggered", async () => {
    const { at, store, insert, announcements, taken } = await world();
    await insert();
    const { run } = await insert({ status: "PENDING_VERSION" });
    const loop = sweepLoop({ store, announcements });
    const rests = [];
    do rests.push(await loop.tick(0));
    while (rests.at(-1) === 0);
    expect(taken().length).toBeGreaterThan(0);
    expect((await store.retrieve(at.environmentId, run.id))?.status).toBe("QUEUED");
  });
});

describe("a paused queue", () => {
  test("starts nothing, takes runs whose delay is over, and goes on where it was", async () => {
    const { at, store, queueId, queues, environment, admit, taken, insert } = await world();
    const ref = { type: "id" as const, name: `queue_${queueId}` };
    expect(await queues.setPaused(environment, ref, true)).toMatchObject({ paused: true });
    await insert({ status: "DELAYED", delayUntil: new Date(Date.now() - 1) });
    const queued = await insert();
    const due = await store.enqueueDue(100);
    expect(await admit([...due, ...queued.announced])).toEqual([]);
    expect(await queues.retrieve(environment, ref)).toMatchObject({ queued: 2, running: 0 });
    await queues.setPaused(environment, ref, false);
    expect(await admit(taken())).toHaveLength(2);
    expect(at.environmentId).toBe(environment.id);
  });
});

describe("a limit that is changed at run time", () => {
  test("counts from the next admission, ends nothing that runs, and goes back to the declared one", async () => {
    const { at, store, queues, environment, admit, taken } = await world();
    const queue = await at.queue({ limit: 1 });
    const ref = { type: "id" as const, name: `queue_${queue}` };
    const inserted = await store.insert(Array.from({ length: 6 }, () => at.run(queue)));
    expect(await admit(inserted.flatMap((one) => one.announcement ?? []))).toHaveLength(1);
    expect(await queues.overrideLimit(environment, ref, 4)).toMatchObject({
      concurrencyLimit: 4,
      declaredLimit: 1,
      overrideLimit: 4,
    });
    expect(await admit(taken())).toHaveLength(3);
    expect(await queues.overrideLimit(environment, ref, 0)).toMatchObject({ concurrencyLimit: 0, running: 4 });
    expect(await admit(taken())).toEqual([]);
    expect(await queues.overrideLimit(environment, ref, null)).toMatchObject({
      concurrencyLimit: 1,
      overriddenAt: null,
    });
    expect(await admit(taken())).toEqual([]);
  });
});

describe("queues", () => {
  test("are listed by name, page by page, and found by id, task and name", async () => {
    const { at, queues, environment } = await world();
    await pool.query(
      "insert into queue (environment_id, name, kind) values ($1, 'task/mail', 'task'), ($1, 'zebra', 'custom')",
      [at.environmentId],
    );
    const first = await queues.list(environment, { page: 1, perPage: 2 });
    const second = await queues.list(environment, { page: 2, perPage: 2 });
    expect([first.total, second.total, first.queues.length, second.queues.length]).toEqual([3, 3, 2, 1]);
    expect((await queues.retrieve(environment, { type: "task", name: "mail" }))?.name).toBe("task/mail");
    const zebra = await queues.retrieve(environment, { type: "custom", name: "zebra" });
    expect(await queues.retrieve(environment, { type: "id", name: zebra?.id ?? "" })).toEqual(zebra);
    for (const name of ["queue_999999999", "queue_1x", "1", "queue_99999999999999"]) {
      expect(await queues.retrieve(environment, { type: "id", name })).toBeUndefined();
    }
  });
});

describe("lanes nobody uses", () => {
  const key = { concurrencyKey: "once" };
  const retire = (store: Awaited<ReturnType<typeof world>>["store"]) => store.retireLanes();
  const age = (environmentId: number) =>
    pool.query("update lane set retired_at = retired_at - interval '11 minutes' where environment_id = $1", [
      environmentId,
    ]);

  test("are retired first and deleted ten minutes later", async () => {
    const { at, store, executing, finish, admit, lanes } = await world();
    const run = await executing(key);
    await finish(run, "COMPLETED", run);
    await admit();
    await retire(store);
    expect(await lanes()).toMatchObject([{ retired_at: expect.any(Date) }]);
    await retire(store);
    expect(await lanes()).toHaveLength(1);
    await age(at.environmentId);
    await retire(store);
    expect(await lanes()).toEqual([]);
  });

  test("are revived by a trigger, and kept while anything is in them", async () => {
    const { at, store, executing, finish, admit, lanes, insert } = await world();
    const run = await executing(key);
    await finish(run, "COMPLETED", run);
    await admit();
    await retire(store);
    await age(at.environmentId);
    const { announced } = await insert(key);
    await retire(store);
    expect(await lanes()).toMatchObject([{ retired_at: null }]);
    const [next] = await admit(announced);
    await retire(store);
    expect(next).toBeDefined();
    expect(await lanes()).toHaveLength(1);
  });

  test("lose no run to a trigger that read them before they were retired", async () => {
    const { at, store, executing, finish, admit, lanes } = await world();
    const run = await executing(key);
    await finish(run, "COMPLETED", run);
    await admit();
    const rounds = Array.from({ length: 20 }, () =>
      Promise.all([
        store.insert([at.run(run.queueId, key)]),
        retire(store),
        age(at.environmentId).then(() => retire(store)),
      ]),
    );
    await Promise.all(rounds);
    const { rows } = await pool.query(
      "select 1 from ready d where not exists (select 1 from lane l where l.id = d.lane_id)",
    );
    expect(rows).toEqual([]);
    expect((await lanes()).length).toBe(1);
  });

  test("are kept as long as a rate remembers their starts: under a new id it would begin anew", async () => {
    const { at, store, admit, finish, lanes } = await world();
    const queue = await at.queue({ rate: { limit: 1, periodMs: 3600_000 } });
    const first = at.run(queue, key);
    const [run] = await admit((await store.insert([first])).flatMap((one) => one.announcement ?? []));
    if (run === undefined) throw new Error("not admitted");
    await finish(run, "COMPLETED", run);
    await admit();
    await pool.query("delete from turn where environment_id = $1", [at.environmentId]);
    await pool.query("update lane set parked = true where environment_id = $1", [at.environmentId]);
    await retire(store);
    expect(await lanes()).toMatchObject([{ retired_at: null }]);
    const again = (await store.insert([at.run(queue, key)])).flatMap((one) => one.announcement ?? []);
    expect(await admit(again)).toEqual([]);
  });
});

describe("a rate whose period a new version changes", () => {
  test.each([
    [1000, 60_000],
    [60_000, 1000],
  ])("from %i to %i ms neither forgets what it must count nor holds the queue for ever", async (before, after) => {
    const { at, store, admit } = await world();
    const queue = await at.queue({ rate: { limit: 2, periodMs: before } });
    const announced = (await store.insert(Array.from({ length: 4 }, () => at.run(queue)))).flatMap(
      (one) => one.announcement ?? [],
    );
    expect(await admit(announced)).toHaveLength(2);
    await pool.query("update queue set rate_period_ms = $2 where id = $1", [queue, after]);
    await admit(announced);
    const due = await store.nextTurnInMs(at.environmentId);
    expect(due).toBeLessThanOrEqual(Math.max(before, after) * 1.1);
    const { rows } = await pool.query<{ room: number }>(
      "select rate_room(queue_id, lane_id, 2, $2::int, now() + $3::int * interval '1 ms') as room from rate_window where queue_id = $1",
      [queue, after, Math.ceil(after * 1.1 + before / 60)],
    );
    expect(rows[0]?.room).toBe(2);
  });
});
