import { afterEach, describe, expect, it } from "vitest";
import { child, DurableTask, durable, sleep, token } from "../../../test/support/durable-task.ts";
import { catalogue } from "../catalogue.ts";
import { logger } from "../logger.ts";
import { metadata } from "../metadata.ts";
import { currentRegion } from "../region.ts";
import { requireScope } from "../run-scope.ts";
import { step } from "./step.ts";

afterEach(() => {
  catalogue().hooks = {};
});

/** Runs until it waits, and loses the process. */
async function loseProcess(task: DurableTask): Promise<void> {
  void task.execute();
  await task.untilWaiting();
  task.journal.crash();
}

describe("a function that takes another way than its journal", () => {
  it("fails at once where the way leads elsewhere, naming both, and is not retried", async () => {
    let pass = 0;
    const task = new DurableTask(async () => {
      await step.run(`charge ${++pass}`, () => 1);
      await token("t");
    });
    await loseProcess(task);
    const outcome = await task.execute();
    expect(outcome).toMatchObject({ kind: "failed", error: { code: "JOURNAL_MISMATCH" }, retry: { by: "never" } });
    const { message } = (outcome as { error: { message: string } }).error;
    expect(message).toContain('It did not call the step "charge 1". It called the step "charge 2" instead');
  });

  it("carries nothing new out before it is known", async () => {
    let pass = 0;
    const ran: string[] = [];
    const task = new DurableTask(async () => {
      const name = ++pass === 1 ? "first" : "other";
      await step.run(name, () => ran.push(name));
      await token("t");
    });
    await loseProcess(task);
    await task.execute();
    expect(ran).toEqual(["first"]);
  });

  it("is waited for while work of its own is under way", async () => {
    let isBusy = false;
    let pass = 0;
    const task = new DurableTask(
      async () => {
        // Plain code, slow on its second pass.
        if (++pass === 2) {
          isBusy = true;
          await new Promise((resolve) => setTimeout(resolve, 1_500));
          isBusy = false;
        }
        await step.run("a", () => 1);
        return token("t");
      },
      { isBusy: () => isBusy },
    );
    await loseProcess(task);
    const outcome = task.result();
    await task.untilWaiting();
    task.journal.complete(1, { value: "end" });
    expect(await outcome).toBe("end");
  });

  it("is refused by the journal's limit, whatever it catches", async () => {
    const task = new DurableTask(async () => {
      await step.run("a", () => 1).catch(() => "caught");
      return "went on";
    });
    task.journal.beforeStore = () => {
      throw Object.assign(new Error("The journal is full"), { code: "JOURNAL_LIMIT" });
    };
    expect(await task.execute()).toMatchObject({
      kind: "failed",
      error: { code: "JOURNAL_LIMIT", message: "The journal did not take a: The journal is full" },
      retry: { by: "never" },
    });
  });
});

describe("what a run waits for", () => {
  it("is told while nothing else is in flight, and no longer", async () => {
    const told: (string[] | undefined)[] = [];
    const slow = Promise.withResolvers<void>();
    const task = new DurableTask(() =>
      Promise.all([sleep(60_000), token("t"), step.run("slow", () => slow.promise)]).then(() => undefined),
    );
    const outcome = task.execute();
    task.journal.onWaiting = (state) => void told.push(state?.waits.map(({ label }) => label));
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(told.filter(Boolean)).toEqual([]);
    slow.resolve();
    while (!told.at(-1)) await new Promise(setImmediate);
    task.journal.complete(0);
    while (told.at(-1)?.length !== 1) await new Promise(setImmediate);
    task.journal.complete(1);
    await outcome;
    expect(told).toEqual([["60000 ms", "t"], undefined, ["t"], undefined]);
  });

  it("has a completion that came before it was told", async () => {
    const task = new DurableTask(() => token("t"));
    const { journal } = task;
    const host = journal.host.bind(journal);
    journal.host = () => {
      const made = host();
      return {
        ...made,
        append: async (entries) => {
          await made.append(entries);
          journal.complete(0, { value: "at once" });
          await new Promise((resolve) => setTimeout(resolve, 5));
        },
      };
    };
    expect(await task.result()).toBe("at once");
  });

  it("ends with the reason when the run is canceled, so that the function can clean up", async () => {
    const ran: string[] = [];
    const task = new DurableTask(async () => {
      try {
        await Promise.all([token("t"), child("c")]);
      } catch (error) {
        ran.push((error as Error).message);
      } finally {
        await step.run("clean up", () => ran.push("clean up"));
        ran.push("cleaned");
      }
    });
    const outcome = task.execute();
    await task.untilWaiting();
    task.cancel.abort(new Error("canceled"));
    await outcome;
    expect(ran).toEqual(["canceled", "clean up", "cleaned"]);
  });
});

describe("hooks", () => {
  it("onStart and onStartAttempt run once for an attempt, in whatever process it goes on", async () => {
    const calls: string[] = [];
    const task = new DurableTask(
      async () => {
        await token("t");
        throw new Error("again");
      },
      {
        onStart: () => void calls.push("onStart"),
        onStartAttempt: () => void calls.push("onStartAttempt"),
        init: () => void calls.push("init"),
      },
    );
    await loseProcess(task);
    const outcome = task.execute();
    await task.untilWaiting();
    task.journal.complete(task.journal.openWaits()[0]?.entry ?? -1);
    await outcome;
    await task.execute(2);
    expect(calls).toEqual(["init", "onStart", "onStartAttempt", "init", "init", "onStartAttempt"]);
  });

  it("onWait runs when a wait begins, onResume once it is over, and both count as a step's", async () => {
    const calls: string[] = [];
    const note = (name: string) => async (params: { wait: { type: string } }) => {
      calls.push(`${name} ${params.wait.type} ${currentRegion()?.kind}`);
      throw new Error("changes nothing");
    };
    const task = new DurableTask(
      async () => {
        await token("t");
        return `${await child("c")}`;
      },
      { onWait: note("onWait"), onResume: note("onResume") },
    );
    void task.execute();
    await task.untilWaiting();
    task.journal.complete(0);
    expect(await task.untilWaiting()).toEqual(["c"]);
    task.journal.crash();
    const outcome = task.result();
    await task.untilWaiting();
    task.journal.complete(task.journal.openWaits()[0]?.entry ?? -1, { value: "end" });
    expect(await outcome).toBe("end");
    expect(calls).toEqual(["onWait token step", "onResume token step", "onWait task step", "onResume task step"]);
  });

  it("after the function may call steps of their own", async () => {
    const ran: string[] = [];
    const task = new DurableTask(() => "out", { onSuccess: () => step.run("tell", () => void ran.push("tell")) });
    expect(await task.result()).toBe("out");
    expect(ran).toEqual(["tell"]);
    expect(task.logs).toEqual([]);
  });
});

describe("while a run repeats what it did", () => {
  it("logs and metadata are not sent again, and those that are new are", async () => {
    const task = new DurableTask(async () => {
      logger.info("one");
      metadata.increment("n");
      await step.run("a", () => 1);
      logger.info("two");
      await token("t");
      logger.info("three");
      metadata.increment("n");
    });
    await loseProcess(task);
    const { entry } = task.journal.openWaits()[0] ?? { entry: -1 };
    task.journal.complete(entry);
    await task.execute();
    expect(task.logs).toEqual(["one", "two", "three"]);
    expect(task.metadata).toHaveLength(2);
  });

  it("an attempt that is new logs all of it", async () => {
    let isBroken = true;
    const task = new DurableTask(async () => {
      logger.info("one");
      await step.run("a", () => 1);
      logger.info("two");
      if (isBroken) throw new Error("broken");
    });
    await task.execute(1);
    isBroken = false;
    await task.execute(2);
    expect(task.logs).toEqual(["one", "two", "one", "two"]);
  });
});

describe("the clock of a run", () => {
  /** A clock that never reads the same twice. */
  function ticking() {
    let now = 1_000.25;
    return () => (now += 7.5);
  }
  const read = (real: () => number) => durable().clock("epoch", real);

  it("answers the n-th reading alike in every process, and goes on from there", async () => {
    const real = ticking();
    const seen: number[][] = [];
    const task = new DurableTask(async () => {
      const readings: number[] = [];
      seen.push(readings);
      readings.push(read(real), read(real));
      await step.run("a", () => read(real));
      readings.push(read(real));
      await token("t");
      readings.push(read(real));
    });
    await loseProcess(task);
    const outcome = task.execute();
    await task.untilWaiting();
    task.journal.complete(task.journal.openWaits()[0]?.entry ?? -1);
    await outcome;
    expect(seen[0]).toEqual([1007.75, 1015.25, 1030.25]);
    expect(seen[1]?.slice(0, 3)).toEqual(seen[0]);
    expect(seen[1]?.[3]).toBeGreaterThan(1030.25);
  });

  it("runs on in a later attempt, from the first thing that is new", async () => {
    const real = ticking();
    const seen: number[][] = [];
    let isBroken = true;
    const task = new DurableTask(async () => {
      const readings: number[] = [read(real)];
      seen.push(readings);
      await step.run("a", () => 1);
      readings.push(read(real));
      try {
        await step.run("b", () => {
          if (isBroken) throw new Error("broken");
        });
      } catch (error) {
        readings.push(read(real));
        await step.run("note", () => 1);
        throw error;
      }
      readings.push(read(real));
      await token("t");
    });
    const first = await task.execute(1);
    task.journal.reopen(first.kind === "failed" ? (first.reopen ?? []) : []);
    isBroken = false;
    void task.execute(2);
    await task.untilWaiting();
    task.journal.crash();
    void task.execute(2);
    await task.untilWaiting();
    expect(seen[1]?.slice(0, 2)).toEqual(seen[0]?.slice(0, 2));
    expect(seen[1]?.[2]).toBeGreaterThan(seen[0]?.[2] ?? 0);
    expect(seen[2]).toEqual(seen[1]);
  });

  it("that is monotonic never runs back where another process has a younger one", async () => {
    const seen: number[] = [];
    let real = 5_000;
    const task = new DurableTask(async () => {
      seen.push(durable().clock("monotonic", () => real));
      await token("t");
      seen.push(durable().clock("monotonic", () => real));
    });
    await loseProcess(task);
    real = 20;
    const outcome = task.execute();
    await task.untilWaiting();
    task.journal.complete(task.journal.openWaits()[0]?.entry ?? -1);
    await outcome;
    expect(seen).toEqual([5_000, 5_000, 5_000]);
  });

  it("writes a million readings of a busy loop in little", async () => {
    let now = 0;
    const task = new DurableTask(async () => {
      for (let n = 0; n < 1_000_000; n++) durable().clock("epoch", () => Math.floor(n / 1_000));
      now = read(() => 1_000);
      await step.run("a", () => 1);
    });
    await task.execute();
    const bytes = task.journal.appended.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
    expect({ now, isSmall: bytes < 30_000 }).toEqual({ now: 1_000, isSmall: true });
  });
});

describe("where a run has no journal", () => {
  it("steps simply run, and a wait is refused", async () => {
    const task = new DurableTask(async () => {
      expect(requireScope("test").durable?.open).toEqual({ steps: 0, entries: 0 });
      const value = await step.run("a", () => new Date(0));
      return `${value.getTime()} ${await token("t").catch((error: { code: string }) => error.code)}`;
    });
    task.hasJournal = false;
    expect(await task.result()).toBe("0 DURABLE_UNAVAILABLE");
  });
});

describe("how fast", () => {
  it("a step costs the process at most 0.2 ms, and 10,000 of them are replayed", { timeout: 30_000 }, async () => {
    const task = new DurableTask(async () => {
      for (let n = 0; n < 5_000; n++) await step.run(`s${n}`, () => n);
      await Promise.all(Array.from({ length: 5_000 }, (_, n) => step.run(`p${n}`, () => n)));
      await token("t");
    });
    // Time of this process's own: others may be at work beside it.
    const cpuMs = async () => {
      const before = process.cpuUsage();
      void task.execute();
      await task.untilWaiting();
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000 / 10_000;
    };
    const first = await cpuMs();
    task.journal.crash();
    const replay = await cpuMs();
    expect({ first, replay, isFast: first < 0.2 && replay < 0.2 }).toMatchObject({ isFast: true });
  });
});
