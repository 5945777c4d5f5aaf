import type { RunListItem } from "@gantry/sdk";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FetchRuns, RunWindow } from "./run-window.ts";

/** A platform's list of runs; ids count upwards, so that newer ones sort behind. */
class World {
  runs: RunListItem[] = [];
  asked: (string | undefined)[] = [];
  isDown = false;

  add(count: number): RunListItem[] {
    const made = Array.from({ length: count }, (_, index) => {
      const id = `run_${String(this.runs.length + index).padStart(6, "0")}`;
      return { id, revision: 1, status: "QUEUED" } as RunListItem;
    });
    this.runs.push(...made);
    return made;
  }

  change(id: string, patch: Partial<RunListItem>): RunListItem {
    const at = this.runs.findIndex((run) => run.id === id);
    const before = this.runs[at] as RunListItem;
    this.runs[at] = { ...before, revision: (before.revision ?? 0) + 1, ...patch };
    return this.runs[at] as RunListItem;
  }

  /** As the socket tells of them. */
  newest(): RunListItem[] {
    return this.runs.slice(-100);
  }

  readonly fetch: FetchRuns = async ({ after, limit }) => {
    this.asked.push(after);
    if (this.isDown) throw new Error("down");
    const older = this.runs.toReversed().filter(({ id }) => after === undefined || id < after);
    return { runs: older.slice(0, limit), hasMore: older.length > limit };
  };
}

function windowOn(world: World) {
  return new RunWindow({ fetch: world.fetch, matches: (run) => (run.taskIdentifier === "?" ? "unknown" : true) });
}
const ids = (list: readonly RunListItem[]) => list.map(({ id }) => id);

describe("a list of runs", () => {
  test("grows by pages to its end", async () => {
    const world = new World();
    world.add(250);
    const list = windowOn(world);
    await list.refreshHead();
    expect(list.getSnapshot()).toMatchObject({ hasMore: true, isLoaded: true });
    await list.loadMore();
    await list.loadMore();
    await list.loadMore();
    expect(ids(list.getSnapshot().rows)).toEqual(ids(world.runs.toReversed()));
    expect(world.asked).toHaveLength(3);
  });

  test("takes new runs in while its top is in sight, else keeps them waiting until they are asked for", async () => {
    const world = new World();
    world.add(3);
    const list = windowOn(world);
    await list.refreshHead();
    world.add(1);
    expect(list.hear(world.newest())).toBe(false);
    expect(list.getSnapshot().rows).toHaveLength(4);
    list.setTopInSight(false);
    world.add(2);
    list.hear(world.newest());
    world.add(1);
    list.hear(world.newest());
    expect(ids(list.getSnapshot().waiting)).toEqual(["run_000006", "run_000005", "run_000004"]);
    list.hear([world.change("run_000005", { status: "FAILED" })]);
    expect(list.getSnapshot().waiting[1]?.status).toBe("FAILED");
    list.setTopInSight(true);
    expect(ids(list.getSnapshot().rows)).toEqual(ids(world.runs.toReversed()));
    expect(list.getSnapshot().waiting).toEqual([]);
  });

  test("is renewed where the socket says, never by an older revision, and rows that are the same stay the same objects", async () => {
    const world = new World();
    world.add(3);
    const list = windowOn(world);
    await list.refreshHead();
    const before = list.getSnapshot().rows;
    list.hear([world.change("run_000001", { status: "EXECUTING" }), { ...world.runs[2], revision: 0 } as RunListItem]);
    const { rows } = list.getSnapshot();
    expect(rows[1]?.status).toBe("EXECUTING");
    expect([rows[0] === before[0], rows[2] === before[2]]).toEqual([true, true]);
  });

  test("asks for its head where only the platform knows whether a run belongs to it", async () => {
    const world = new World();
    world.add(1);
    const list = windowOn(world);
    await list.refreshHead();
    expect(list.hear([...world.newest(), { id: "run_9", taskIdentifier: "?" } as RunListItem])).toBe(true);
    expect(list.getSnapshot().rows).toHaveLength(1);
  });

  test.each([true, false])(
    "asks once for its head where a run becomes visible after a newer one, its top in sight: %s",
    async (isInSight) => {
      const world = new World();
      world.add(3);
      const list = windowOn(world);
      await list.refreshHead();
      list.setTopInSight(isInSight);
      const [late, newer] = world.add(2) as [RunListItem, RunListItem];
      world.runs = world.runs.filter((run) => run !== late);
      expect(list.hear(world.newest())).toBe(false);
      world.runs.splice(-1, 0, late);
      expect(list.hear(world.newest())).toBe(true);
      expect(list.hear(world.newest())).toBe(false);
      await list.refreshHead();
      const { rows, waiting } = list.getSnapshot();
      expect(ids([...waiting, ...rows])).toEqual(ids(world.runs.toReversed()));
      expect(ids(waiting)).toEqual(isInSight ? [] : [newer.id, late.id]);
    },
  );

  test("does not ask for runs that are older than what was looked at, or belong elsewhere", async () => {
    const world = new World();
    world.add(150);
    const list = new RunWindow({ fetch: world.fetch, matches: ({ status }) => status !== "FAILED" });
    await list.refreshHead();
    const failed = { id: "run_000140b", revision: 1, status: "FAILED" } as RunListItem;
    expect(list.hear([...world.newest(), failed, world.runs[0] as RunListItem])).toBe(false);
  });

  test("is read once more where somebody asks while it is being read", async () => {
    const world = new World();
    world.add(2);
    const list = windowOn(world);
    const reading = list.refreshHead();
    world.add(1);
    await Promise.all([list.refreshHead(), list.refreshHead(), reading]);
    expect(list.getSnapshot().rows).toHaveLength(3);
    expect(world.asked).toHaveLength(2);
  });

  test("asks for its head where more has come than the socket tells of", async () => {
    const world = new World();
    world.add(10);
    const list = windowOn(world);
    await list.refreshHead();
    world.add(150);
    expect(list.hear(world.newest())).toBe(true);
    expect(list.getSnapshot().rows).toHaveLength(10);
    await list.refreshHead();
    expect(ids(list.getSnapshot().rows)).toEqual(ids(world.runs.toReversed()));
  });

  test("loses what a page that is read again no longer has", async () => {
    const world = new World();
    world.add(150);
    const list = windowOn(world);
    await list.refreshHead();
    await list.loadMore();
    world.runs = world.runs.filter(({ id }) => id !== "run_000040" && id !== "run_000149");
    await list.refreshRange(100, 130);
    await list.refreshHead();
    expect(ids(list.getSnapshot().rows)).toEqual(ids(world.runs.toReversed()));
  });

  test("begins anew where more has come than is worth reading", async () => {
    const world = new World();
    world.add(50);
    const list = windowOn(world);
    await list.refreshHead();
    world.add(500);
    await list.refreshHead();
    expect(ids(list.getSnapshot().rows)).toEqual(ids(world.runs.toReversed().slice(0, 300)));
    expect(list.getSnapshot().hasMore).toBe(true);
  });

  test("keeps what it has while the platform is away, and says so", async () => {
    const world = new World();
    world.add(2);
    const list = windowOn(world);
    await list.refreshHead();
    world.isDown = true;
    await list.refreshHead();
    expect(list.getSnapshot()).toMatchObject({ error: new Error("down"), rows: [{}, {}] });
    world.isDown = false;
    await list.refreshHead();
    expect(list.getSnapshot().error).toBeUndefined();
  });
});

test("whatever happens in whatever order, rows have neither gaps nor doubles and end as the platform's are", async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), count: fc.integer({ min: 1, max: 130 }), isHeard: fc.boolean() }),
    fc.record({ kind: fc.constant("remove" as const), at: fc.nat(400) }),
    fc.record({ kind: fc.constant("head" as const) }),
    fc.record({ kind: fc.constant("more" as const) }),
    fc.record({ kind: fc.constant("range" as const), from: fc.nat(300) }),
    fc.record({ kind: fc.constant("sight" as const), isInSight: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const world = new World();
      world.add(120);
      let made = world.runs.length;
      const list = windowOn(world);
      await list.refreshHead();
      for (const each of steps) {
        if (each.kind === "add") {
          const fresh = Array.from({ length: each.count }, (_, index) => {
            return { id: `run_${String(made + index).padStart(6, "0")}`, revision: 1 } as RunListItem;
          });
          made += each.count;
          world.runs.push(...fresh);
          if (each.isHeard) list.hear(world.newest());
        }
        if (each.kind === "remove") world.runs.splice(each.at % Math.max(1, world.runs.length), 1);
        if (each.kind === "head") await list.refreshHead();
        if (each.kind === "more") await list.loadMore();
        if (each.kind === "range") await list.refreshRange(each.from, each.from + 40);
        if (each.kind === "sight") list.setTopInSight(each.isInSight);
        const all = ids([...list.getSnapshot().waiting, ...list.getSnapshot().rows]);
        expect(all).toEqual([...new Set(all)].toSorted().toReversed());
      }
      list.setTopInSight(true);
      await list.refreshHead();
      for (let from = 0; from < list.getSnapshot().rows.length; from += 50) await list.refreshRange(from, from + 99);
      const shown = ids(list.getSnapshot().rows);
      expect(shown).toEqual(ids(world.runs.toReversed()).slice(0, shown.length));
    }),
    { numRuns: 200 },
  );
});
