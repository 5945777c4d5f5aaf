import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { checkpointActs } from "../../../test/support/checkpoint-acts.ts";
import { announced, opened } from "../../../test/support/journal-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import type { AdmittedRun } from "../../runs/run-store.ts";

const { pool } = await testDatabase();
let acts: Awaited<ReturnType<typeof checkpointActs>>;
beforeEach(async () => {
  acts = await checkpointActs(pool);
});
const ROUNDS = 25;

/** Repeats a race: who wins is chance. Says how often each outcome was seen. */
async function races<T extends string>(round: (n: number) => Promise<T>): Promise<Map<T, number>> {
  const seen = new Map<T, number>();
  for (let n = 0; n < ROUNDS; n++) {
    const outcome = await round(n);
    seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  }
  return seen;
}

describe("at the same time", () => {
  test("a park and what ends the wait: the run leaves and is woken, or goes on where it is", async () => {
    await races(async () => {
      const run = await acts.idle();
      const { stored } = await acts.staged(run);
      await acts.fallDue(run);
      const [parked, woken] = await Promise.all([acts.parkStored(run, stored), acts.wake()]);
      const later = await acts.wake();
      const [state, lanes] = [parked.state, announced([...woken, ...later])];
      if (state === "RUNNING") {
        expect(parked.completions).toHaveLength(1);
        expect(await acts.stateOf(stored.checkpointId)).toBe("released");
        expect(lanes).toEqual([]);
      } else {
        expect(state).toBe("SUSPENDED");
        expect(await acts.referred(run)).toBe(stored.checkpointId);
        expect(await acts.admit(lanes)).toMatchObject([{ runId: run.runId, hasCheckpoint: true }]);
      }
      return state;
    });
  });

  test("the process may go on, and its worker is lost: it went on and begins anew, or is brought back elsewhere", async () => {
    await races(async () => {
      const { run, stored } = await acts.suspended();
      const restoring = await acts.restoring(run);
      const [spent, put] = await Promise.all([
        acts.spend(restoring, stored.checkpointId),
        acts.requeue(restoring, { nextAttempt: restoring.attempt }),
      ]);
      if (put === "fenced") throw new Error("nobody else ends it");
      const [again] = await acts.admit([put.announcement]);
      expect(spent).not.toBe("spent");
      expect(again).toMatchObject({ runId: run.runId, hasCheckpoint: spent === "fenced" });
      return spent;
    });
  });

  test("two runners have brought it back: one may go on", async () => {
    await races(async () => {
      const { run, stored } = await acts.suspended();
      const first = await acts.restoring(run);
      const put = await acts.requeue(first);
      if (put === "fenced") throw new Error("nobody else ends it");
      const [second] = await acts.admit([put.announcement]);
      if (second === undefined) throw new Error("it was not admitted");
      await acts.begun(second);
      const asked = await Promise.all([first, second].map((each) => acts.spend(each, stored.checkpointId)));
      expect(asked).toEqual(["fenced", "granted"]);
      return "second";
    });
  });

  test("one runner asks several times: it may, and the run has left its checkpoint once", async () => {
    await races(async () => {
      const { run, stored } = await acts.suspended();
      const restoring = await acts.restoring(run);
      const asked = await Promise.all(Array.from({ length: 4 }, () => acts.spend(restoring, stored.checkpointId)));
      expect(asked).toEqual(["granted", "granted", "granted", "granted"]);
      expect(await acts.stateOf(stored.checkpointId)).toBe("released");
      return "granted";
    });
  });

  test("a park and a sweep of what was begun too long ago: all of it counts, or nothing does", async () => {
    await races(async () => {
      const run = await acts.idle();
      const { stored } = await acts.staged(run);
      const [parked] = await Promise.all([acts.parkStored(run, stored), acts.checkpoints.sweep(-1000, 10)]);
      const isStored = parked.state === "SUSPENDED";
      if (!isStored) expect(parked.refused).toEqual({ limit: "incomplete" });
      await acts.checkpoints.sweep(-1000, 100);
      expect(await acts.referred(run)).toBe(isStored ? stored.checkpointId : undefined);
      expect(await acts.chunksOf(stored.checkpointId)).toBe(isStored ? 2 : 0);
      return parked.state;
    });
  });

  test("chunks and a sweep: what is refused is not there", async () => {
    await races(async () => {
      const run = await acts.idle();
      const { stored } = await acts.staged(run, []);
      const owner = { executionId: run.executionId, checkpointId: stored.checkpointId };
      const put = (number: number) => acts.checkpoints.putChunk(owner, number, randomBytes(5000));
      const [, ...chunks] = await Promise.all([acts.checkpoints.sweep(-1000, 10), put(0), put(1), put(2)]);
      await acts.checkpoints.sweep(-1000, 100);
      expect(await put(3)).toBe("refused");
      expect(await acts.chunksOf(stored.checkpointId)).toBe(0);
      return chunks.includes("stored") ? "some" : "none";
    });
  });

  test("a chunk too many and a park: it is refused, or the park is", async () => {
    await races(async () => {
      const run = await acts.idle();
      const { stored } = await acts.staged(run);
      const owner = { executionId: run.executionId, checkpointId: stored.checkpointId };
      const [parked, put] = await Promise.all([
        acts.parkStored(run, stored),
        acts.checkpoints.putChunk(owner, 2, randomBytes(10)),
      ]);
      expect([parked.state, put]).toEqual(
        parked.refused === undefined ? ["SUSPENDED", "refused"] : ["RUNNING", "stored"],
      );
      return put;
    });
  });

  test("a cancel and what wakes the run: it ends, and nothing of its process is left", async () => {
    await races(async () => {
      const { run, stored } = await acts.suspended();
      await acts.fallDue(run);
      const [ended] = await Promise.all([acts.finish(run, "CANCELED"), acts.wake()]);
      if (!ended) expect(await acts.finish(run, "CANCELED")).toBe(true);
      expect(await acts.stateOf(stored.checkpointId)).toBe("released");
      return ended ? "at once" : "queued";
    });
  });
});

/** What may happen to a run, by whoever, in any order and two at a time. */
const ACTS = ["store", "wake", "admit", "spend", "spendOld", "lose", "retry", "drop", "sweep", "cancel"] as const;
type Act = (typeof ACTS)[number];

class World {
  readonly runs: AdmittedRun[][] = [];
  readonly stored: { checkpointId: string; executionId: string }[] = [];
  /** By checkpoint, who may have gone on in it. */
  readonly granted = new Map<string, Set<string>>();
  #entries = 1;

  async add(): Promise<void> {
    this.runs.push([await acts.idle()]);
  }

  async act(act: Act, n: number): Promise<void> {
    const executions = this.runs[n % this.runs.length] as AdmittedRun[];
    const last = executions.at(-1) as AdmittedRun;
    switch (act) {
      case "store":
        return this.#store(last);
      case "wake":
        await acts.fallDue(last);
        await acts.wake();
        return;
      case "admit":
        return this.#admit();
      case "spend":
        return this.#spend(last);
      case "spendOld":
        return this.#spend(executions[n % executions.length] as AdmittedRun);
      case "lose":
        await acts.requeue(last);
        return;
      case "retry":
        await acts.requeue(last, { nextAttempt: last.attempt + 1, lost: false });
        return;
      case "drop":
        await acts.requeue(last, { dropsCheckpoint: true });
        return;
      case "sweep":
        await acts.checkpoints.sweep(3_600_000, 100);
        return;
      case "cancel":
        await acts.finish(last, "CANCELED");
    }
  }

  /** Its wait is over, or goes on: it waits for something else and is stored. */
  async #store(run: AdmittedRun): Promise<void> {
    const { completions } = await acts.append(run, 0, opened(this.#entries++, { inMs: 3_600_000 }));
    const { stored } = await acts.staged(run);
    await acts.parkStored(run, stored, completions.at(-1)?.seq ?? 0);
    this.stored.push({ checkpointId: stored.checkpointId, executionId: run.executionId });
  }

  async #admit(): Promise<void> {
    const { lanes } = await acts.store.strandedLanes("0", 10_000);
    const mine = lanes.filter(({ environmentId }) => environmentId === acts.at.environmentId);
    for (const run of await acts.admit(mine)) {
      const executions = this.runs.find(([first]) => first?.runId === run.runId);
      executions?.push(run.direct ? run : await acts.begun(run));
    }
  }

  async #spend(run: AdmittedRun): Promise<void> {
    for (const { checkpointId } of this.stored.slice(-5)) {
      if ((await acts.spend(run, checkpointId)) !== "granted") continue;
      const by = this.granted.get(checkpointId) ?? new Set();
      this.granted.set(checkpointId, by.add(run.executionId));
    }
  }
}

async function broken(): Promise<unknown[]> {
  const { rows } = await pool.query(
    `select 'a run refers to what is not whole' as what, r.checkpoint_id as id from run r
     left join checkpoint c on c.id = r.checkpoint_id
     where r.checkpoint_id is not null and (c.state is distinct from 'stored' or c.run_id <> r.id
       or c.chunks <> (select count(*) from checkpoint_chunk k where k.checkpoint_id = c.id))
     union all
     select 'nobody refers to what is stored', c.id from checkpoint c
     where c.state = 'stored' and not exists (select 1 from run r where r.checkpoint_id = c.id)
     union all
     select 'two runs refer to it', r.checkpoint_id from run r where r.checkpoint_id is not null
     group by r.checkpoint_id having count(*) > 1
     union all
     select 'it runs and is stored', r.checkpoint_id from run r join execution x on x.id = r.execution_id
     where r.checkpoint_id is not null and x.restored_checkpoint_id is not null`,
  );
  return rows;
}

test("whatever happens in whatever order, a process goes on once at most, and what a run refers to is whole", async () => {
  // The way of a run that is stored and goes on, often; what comes between, seldom.
  const WAY = ["store", "wake", "admit", "spend"] as const;
  const anAct = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...WAY) },
    { weight: 1, arbitrary: fc.constantFrom(...ACTS) },
  );
  const some = fc.array(fc.tuple(anAct, anAct, fc.nat(7)), { minLength: 20, maxLength: 60 });
  const seen = { granted: 0, stored: 0 };
  await fc.assert(
    fc.asyncProperty(some, async (steps) => {
      acts = await checkpointActs(pool);
      const world = new World();
      for (let n = 0; n < 2; n++) await world.add();
      for (const [one, other, n] of steps) {
        // Fenced, ended, busy: most of what is tried comes at the wrong moment.
        await Promise.allSettled([world.act(one, n), world.act(other, n + 1)]);
        expect(await broken()).toEqual([]);
      }
      for (const by of world.granted.values()) expect(by.size).toBe(1);
      seen.granted += world.granted.size;
      seen.stored += world.stored.length;
    }),
    { numRuns: 20 },
  );
  expect(seen.stored).toBeGreaterThan(20);
  expect(seen.granted).toBeGreaterThan(0);
});
