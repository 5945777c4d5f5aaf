import pg from "pg";
import { describe, expect, onTestFinished, test } from "vitest";
import { scheduleWorld } from "../../../test/support/schedule-world.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { AppError } from "../../errors.ts";
import type { RunService } from "../../runs/run-service.ts";

const { pool, url } = await testDatabase();

/** Connections of a process of its own, which may be killed. */
function ownPool(): pg.Pool {
  const own = new pg.Pool({ connectionString: url, max: 5, options: "-c search_path=gantry" });
  own.on("error", () => undefined);
  onTestFinished(() => own.end().catch(() => undefined));
  return own;
}

/** What a process leaves behind that is killed now: its transactions end without a commit. */
async function kill(own: pg.Pool): Promise<void> {
  const { rows } = await own.query<{ pid: number }>("select pg_backend_pid() as pid");
  const self = rows[0]?.pid;
  await pool.query(
    `select pg_terminate_backend(pid, 10000) from pg_stat_activity
     where datname = current_database() and state = 'idle in transaction' and pid <> $1`,
    [self],
  );
}

const states = (dues: { state: string }[]) => dues.map(({ state }) => state);
const times = (dues: { at: string }[]) => dues.map(({ at }) => at.slice(11));

/** A scheduler whose first tick, half a minute on, has come to its trigger; what is returned kills it there. */
async function killable(world: Awaited<ReturnType<typeof scheduleWorld>>, where: "before" | "after") {
  const own = ownPool();
  const reached = Promise.withResolvers<void>();
  const killing = Promise.withResolvers<never>();
  const scheduler = world.scheduler(own, (runs) => ({
    ...runs,
    trigger: async (...call: Parameters<RunService["trigger"]>) => {
      if (where === "after") await runs.trigger(...call);
      reached.resolve();
      return killing.promise;
    },
  }));
  world.clock.advance(30_000);
  const tick = Promise.resolve(scheduler.tick()).catch(() => "killed");
  await reached.promise;
  return async () => {
    await kill(own);
    killing.reject(new Error("killed"));
    return tick;
  };
}

describe("a due time has exactly one run", () => {
  test("with three schedulers that look at the same moments", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T09:59:30Z");
    for (let i = 0; i < 40; i++) await world.schedule({ cron: "* * * * *", ...(i % 2 ? { jitter: "20s" } : {}) });
    const others = [world.scheduler(ownPool()), world.scheduler(ownPool())];
    await world.pass("2026-03-01T10:02:30Z", world, ...others);
    const dues = await world.dues();
    expect(new Set(states(dues))).toEqual(new Set(["triggered"]));
    expect(dues).toHaveLength(120);
    const runs = await world.payloads();
    expect(runs).toHaveLength(120);
    expect(new Set(runs.map(({ key }) => key)).size).toBe(120);
    expect(new Set(dues.map(({ runId }) => runId))).toEqual(new Set(runs.map(({ id }) => id)));
  });

  test("where a scheduler is killed between the claim and the trigger", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T09:59:30Z");
    const schedule = await world.schedule({ cron: "0 * * * *" });
    const killed = await killable(world, "before");
    expect(states(await world.dues(schedule.id))).toEqual(["claimed"]);
    await world.tick();
    expect(await world.payloads(), "the one that lives holds its lock").toEqual([]);
    expect(await killed()).toBe("killed");
    await world.tick();
    expect(states(await world.dues(schedule.id))).toEqual(["triggered"]);
    expect(await world.payloads()).toHaveLength(1);
  });

  test("where a scheduler is killed after the trigger, and the run has failed meanwhile", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T09:59:30Z");
    const schedule = await world.schedule({ cron: "0 * * * *" });
    const killed = await killable(world, "after");
    const [run] = await world.payloads();
    expect(await world.end(run?.id ?? "", "FAILED")).toBe(true);
    expect(await killed()).toBe("killed");
    await world.tick();
    expect(await world.dues(schedule.id)).toMatchObject([{ state: "triggered", runId: run?.id }]);
    expect(await world.payloads()).toHaveLength(1);
  });

  test("also where nothing can be triggered for a while", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T09:59:30Z");
    const schedule = await world.schedule({ cron: "0 * * * *" });
    let isFull = true;
    const scheduler = world.scheduler(pool, (runs) => ({
      ...runs,
      trigger: async (...call: Parameters<RunService["trigger"]>) => {
        if (isFull) throw new AppError("QUEUE_FULL", "full");
        return runs.trigger(...call);
      },
    }));
    await world.pass("2026-03-01T10:00:12Z", scheduler);
    expect(states(await world.dues(schedule.id))).toEqual(["claimed"]);
    isFull = false;
    await world.pass("2026-03-01T10:00:20Z", scheduler);
    expect(states(await world.dues(schedule.id))).toEqual(["triggered"]);
    expect(await world.payloads()).toHaveLength(1);
  });

  test("or a reason why it has none", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T09:59:30Z");
    const gone = await world.schedule({ cron: "0 * * * *" }, "gone");
    const there = await world.schedule({ cron: "0 * * * *" });
    await world.pass("2026-03-01T10:00:10Z");
    expect(await world.dues(gone.id)).toMatchObject([
      { state: "failed", reason: expect.stringMatching(/^TASK_NOT_FOUND/) },
    ]);
    expect(await world.dues(there.id)).toMatchObject([{ state: "triggered" }]);
  });

  test("never early, and the loop asks to be woken when the next is due", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T09:59:30.250Z");
    await world.schedule({ cron: "0 * * * *" });
    expect(await world.tick()).toBe(29_750);
    world.clock.advance(29_749);
    expect(await world.tick()).toBe(1);
    expect(await world.payloads()).toEqual([]);
    world.clock.advance(1);
    expect(await world.tick()).toBe(3_600_000);
    expect(await world.payloads()).toHaveLength(1);
  });
});

describe("a scheduled run", () => {
  test("gets what Trigger.dev's scheduled tasks get", async () => {
    const world = await scheduleWorld(pool, "2026-10-24T12:00:00Z");
    await world.schedule({ cron: "30 2 * * *", timezone: "Europe/Berlin" });
    await world.pass("2026-10-26T12:00:00Z");
    const payloads = (await world.payloads()).map(({ payload }) => payload);
    expect(payloads).toMatchObject([
      { type: "IMPERATIVE", timestamp: "2026-10-25T00:30:00.000Z", timezone: "Europe/Berlin" },
      {
        scheduleId: expect.stringMatching(/^sched_/),
        timestamp: "2026-10-26T01:30:00.000Z",
        lastTimestamp: "2026-10-25T00:30:00.000Z",
        upcoming: expect.arrayContaining(["2026-10-27T01:30:00.000Z"]),
      },
    ]);
    expect(payloads[0]).not.toHaveProperty("lastTimestamp");
    expect(payloads[1]?.upcoming).toHaveLength(5);
  });

  test("starts at 02:30 in Berlin exactly once each day of both clock changes", async () => {
    const world = await scheduleWorld(pool, "2026-03-27T12:00:00Z");
    await world.schedule({ cron: "30 2 * * *", timezone: "Europe/Berlin" });
    await world.pass("2026-03-30T12:00:00Z");
    expect((await world.dues()).map(({ at }) => at)).toEqual([
      "2026-03-28T01:30Z",
      "2026-03-29T01:00Z",
      "2026-03-30T00:30Z",
    ]);
  });
});

describe("after downtime", () => {
  test.each([
    ["none", undefined, ["10:10Z", "12:20Z"]],
    ["last", undefined, ["10:10Z", "12:10Z", "12:20Z"]],
    ["last", 60_000, ["10:10Z", "12:20Z"]],
    ["all", 1_800_000, ["10:10Z", "11:50Z", "12:00Z", "12:10Z", "12:20Z"]],
  ] as const)("%s within %s makes up for what it says", async (policy, windowMs, want) => {
    const world = await scheduleWorld(pool, "2026-03-01T10:05:00Z");
    await world.schedule({ cron: "*/10 * * * *", catchUp: { policy, windowMs } });
    await world.pass("2026-03-01T10:15:00Z");
    world.clock.advance(2 * 3_600_000 + 60_000);
    await world.pass("2026-03-01T12:25:00Z");
    const dues = await world.dues();
    expect(times(dues)).toEqual(want);
    expect(await world.payloads()).toHaveLength(want.length);
  });
});

describe("while it is paused", () => {
  test.each(["schedule", "environment"])("nothing of a %s is due; its policy says what follows", async (what) => {
    const world = await scheduleWorld(pool, "2026-03-01T10:05:00Z");
    const last = await world.schedule({ cron: "*/10 * * * *" });
    const none = await world.schedule({ cron: "*/10 * * * *", catchUp: { policy: "none" } });
    const { id } = world.environment;
    const pause = async (paused: boolean) => {
      if (what === "environment") {
        const at = paused ? new Date() : null;
        await pool.query("update environment set paused_at = $2 where id = $1", [id, at]);
      } else for (const schedule of [last, none]) await world.store.setPaused(id, schedule.id, paused);
    };
    await world.pass("2026-03-01T10:15:00Z");
    await pause(true);
    expect(await world.tick()).toBeUndefined();
    await world.pass("2026-03-01T11:05:00Z");
    expect(await world.payloads()).toHaveLength(2);
    await pause(false);
    await world.pass("2026-03-01T11:15:00Z");
    expect(times(await world.dues(last.id))).toEqual(["10:10Z", "11:00Z", "11:10Z"]);
    expect(times(await world.dues(none.id))).toEqual(["10:10Z", "11:10Z"]);
  });
});

describe("where runs of a schedule meet", () => {
  const FROM = "2026-03-01T10:00:30Z";
  const running = async (overlap: "allow" | "skip" | "queue" | "cancelRunning") => {
    const world = await scheduleWorld(pool, FROM);
    const schedule = await world.schedule({ cron: "* * * * *", overlap });
    await world.pass("2026-03-01T10:01:10Z");
    const [first] = await world.dues(schedule.id);
    return { world, first: first?.runId ?? "", dues: () => world.dues(schedule.id) };
  };

  test("allow: the next starts beside it", async () => {
    const { world, dues } = await running("allow");
    await world.pass("2026-03-01T10:02:10Z");
    expect(states(await dues())).toEqual(["triggered", "triggered"]);
  });

  test("skip: the next is left out, and the one after its end starts", async () => {
    const { world, first, dues } = await running("skip");
    await world.pass("2026-03-01T10:02:10Z");
    await world.end(first);
    await world.pass("2026-03-01T10:03:10Z");
    expect(await dues()).toMatchObject([
      { state: "triggered" },
      { state: "skipped", reason: "OVERLAP" },
      { state: "triggered" },
    ]);
  });

  test("queue: one waits for its end, others are left out", async () => {
    const { world, first, dues } = await running("queue");
    await world.pass("2026-03-01T10:03:10Z");
    expect(await dues()).toMatchObject([{ state: "triggered" }, { state: "waiting" }, { reason: "QUEUE_TAKEN" }]);
    await world.end(first);
    await world.pass("2026-03-01T10:03:12Z");
    expect(states(await dues())).toEqual(["triggered", "triggered", "skipped"]);
    expect((await world.payloads()).at(-1)?.payload).toMatchObject({
      timestamp: "2026-03-01T10:02:00.000Z",
      lastTimestamp: "2026-03-01T10:01:00.000Z",
    });
  });

  test("cancelRunning: it is canceled, and the next starts when it has ended", async () => {
    const { world, first, dues } = await running("cancelRunning");
    const admitted = (await world.admit()).find(({ runId }) => runId === first);
    await world.pass("2026-03-01T10:02:01Z");
    expect(await dues()).toMatchObject([{ state: "triggered" }, { state: "waiting" }]);
    await world.acts.finish({ runId: first }, "CANCELED", admitted);
    await world.pass("2026-03-01T10:02:03Z");
    expect(states(await dues())).toEqual(["triggered", "triggered"]);
    expect(await world.status(first)).toBe("CANCELED");
  });
});

describe("schedules of the API", () => {
  test("are made once per key; a change of the pattern changes what is next, another does not", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T10:05:00Z");
    const made = await world.schedule({ cron: "0 * * * *" });
    const save = (cron: string, externalId: string) =>
      world.store.save(
        { ...made, id: crypto.randomUUID(), deduplicationKey: made.deduplicationKey ?? "", cron, externalId },
        () => ({ dueAt: Date.parse("2026-03-02T00:00Z"), startAt: Date.parse("2026-03-02T00:00Z") }),
        1,
      );
    expect(await save("0 * * * *", "a")).toMatchObject({ id: made.id, externalId: "a", nextDueAt: made.nextDueAt });
    expect(await save("0 0 * * *", "a")).toMatchObject({ id: made.id, nextDueAt: Date.parse("2026-03-02T00:00Z") });
  });

  test("are no more than an environment may have, however many come at once", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T10:05:00Z");
    const made = await world.schedule({ cron: "0 * * * *" });
    const save = (key: string) =>
      world.store.save({ ...made, id: crypto.randomUUID(), deduplicationKey: key }, () => undefined, 5);
    const saved = await Promise.all(Array.from({ length: 10 }, (_, index) => save(`more-${index}`)));
    expect(saved.filter((schedule) => schedule !== undefined)).toHaveLength(4);
  });

  test("take their due times with them when they go, and leave their runs", async () => {
    const world = await scheduleWorld(pool, "2026-03-01T10:05:00Z");
    const made = await world.schedule({ cron: "0 * * * *" });
    await world.pass("2026-03-01T11:05:00Z");
    expect(await world.store.remove(world.environment.id, made.id)).toBe(true);
    expect(await world.store.remove(world.environment.id, made.id)).toBe(false);
    expect(await world.dues()).toEqual([]);
    expect(await world.payloads()).toHaveLength(1);
  });
});
