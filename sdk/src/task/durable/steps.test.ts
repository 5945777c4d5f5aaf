import { describe, expect, it } from "vitest";
import { child, DurableTask, durable, sleep, token } from "../../../test/support/durable-task.ts";
import { AbortTaskRunError, RetryAfterError } from "../errors.ts";
import { currentRegion } from "../region.ts";
import { step } from "./step.ts";

/** Notes what really runs. */
function noting() {
  const ran: string[] = [];
  const note = <T>(name: string, result?: T) => {
    return () => {
      ran.push(name);
      return result as T;
    };
  };
  return { ran, note };
}

const fail = (message: string) => () => {
  throw new Error(message);
};

describe("step.run", () => {
  it("runs once, in whatever process the run goes on", async () => {
    const { ran, note } = noting();
    const task = new DurableTask(async () => {
      const first = await step.run("first", note("first", { at: new Date(0) }));
      const answer = await token("t");
      const second = await step.run("second", note("second", "done"));
      return `${first.at.getTime()} ${answer} ${second}`;
    });
    void task.execute();
    expect(await task.untilWaiting()).toEqual(["t"]);
    task.journal.crash();
    const outcome = task.result();
    expect(await task.untilWaiting()).toEqual(["t"]);
    task.journal.complete(1, { value: "yes" });
    expect(await outcome).toBe("0 yes done");
    expect(ran).toEqual(["first", "second"]);
  });

  it("hands on what a round trip leaves of a value, on the first pass too", async () => {
    class Money {
      amount = 5n;
    }
    const given = { at: new Date(0), map: new Map([["a", new Set([1])]]), money: new Money(), none: undefined };
    const task = new DurableTask(async () => {
      const value = await step.run("value", () => given);
      return [value === given, value.at instanceof Date, value.map.get("a"), value.money instanceof Money, value.money];
    });
    const { output } = (await task.execute()) as { output: string };
    expect(JSON.parse(output).json).toEqual([false, true, [1], false, { amount: "5" }]);
  });

  it.each([
    ["a function", () => ({ deep: [{ run: () => 1 }] }), "NOT_SERIALIZABLE", "result.deep[0].run is the function run"],
    [
      "a value over the limit",
      () => "x".repeat(3 * 1024 * 1024 + 1),
      "JOURNAL_VALUE_TOO_LARGE",
      'What the step "big" returned is 3145729 bytes; the limit (journalValueBytes) is 3145728',
    ],
  ])("refuses %s, and does not try it again", async (_name, fn: () => unknown, wantCode, wantMessage) => {
    let tries = 0;
    const task = new DurableTask(() =>
      step.run(
        "big",
        () => {
          tries += 1;
          return fn();
        },
        { retry: { maxAttempts: 5 } },
      ),
    );
    const outcome = await task.execute();
    expect(outcome).toMatchObject({ kind: "failed", error: { code: wantCode }, retry: { by: "never" } });
    expect((outcome as { error: { message: string } }).error.message).toContain(wantMessage);
    expect(tries).toBe(1);
  });

  it("records what it finally threw, and throws the same in a replay: name, message, stack, code and cause", async () => {
    const { ran } = noting();
    class CardError extends Error {
      override readonly name = "CardError";
      readonly code = "DECLINED";
    }
    const seen: unknown[] = [];
    const task = new DurableTask(async () => {
      try {
        await step.run("charge", () => {
          ran.push("charge");
          throw new CardError("no money", { cause: new Error("bank said so") });
        });
      } catch (error) {
        const { name, message, code, cause, stack } = error as CardError & { cause: Error };
        seen.push({ name, message, code, cause: cause.message, line: stack?.split("\n")[1] });
      }
      await token("t");
    });
    void task.execute();
    await task.untilWaiting();
    task.journal.crash();
    void task.execute();
    await task.untilWaiting();
    expect(ran).toEqual(["charge"]);
    expect(seen[0]).toMatchObject({ name: "CardError", message: "no money", code: "DECLINED", cause: "bank said so" });
    expect(seen[0]).toMatchObject({ line: expect.stringContaining("steps.test.ts") });
    expect(seen[1]).toEqual(seen[0]);
  });

  it("is tried again as its retry says, and its tries are counted", async () => {
    let tries = 0;
    const task = new DurableTask(() =>
      step.run("flaky", () => (++tries < 3 ? fail("not yet")() : "done"), {
        retry: { maxAttempts: 5, minTimeoutInMs: 1, randomize: false },
      }),
    );
    expect(await task.result()).toBe("done");
    expect(task.journal.appended).toMatchObject([{ key: "flaky", ok: true, tries: 3 }]);
  });

  it("is not tried again after an error that says never", async () => {
    let tries = 0;
    const task = new DurableTask(() =>
      step.run(
        "gone",
        () => {
          tries += 1;
          throw new AbortTaskRunError("gone");
        },
        { retry: { maxAttempts: 5 } },
      ),
    );
    expect(await task.execute()).toMatchObject({ error: { name: "AbortTaskRunError" }, retry: { by: "never" } });
    expect(tries).toBe(1);
  });

  it("of one name that comes again has an ordinal", async () => {
    const task = new DurableTask(async () => {
      for (const item of [1, 2, 3]) await step.run("item", () => item);
    });
    await task.result();
    expect(task.journal.appended.map(({ key }) => key)).toEqual(["item", "item#2", "item#3"]);
  });

  it("of one name, twice at once, is AMBIGUOUS_STEP unless each has a key", async () => {
    const twice = (keys: boolean) =>
      new DurableTask(() =>
        Promise.all([1, 2].map((item) => step.run("item", () => item, keys ? { key: `item-${item}` } : {}))),
      );
    expect(await twice(false).execute()).toMatchObject({ error: { code: "AMBIGUOUS_STEP" }, retry: { by: "never" } });
    expect(await twice(true).execute()).toMatchObject({ kind: "completed" });
  });

  it.each([
    ["a step", () => step.run("inner", () => 1), 'The step "inner" was called inside the step "outer"'],
    ["a wait", () => token("t"), "The wait for t was called inside"],
    ["a child", () => child("c"), "The wait for c was called inside"],
  ])("cannot hold %s", async (_name, inner: () => Promise<unknown>, wantMessage) => {
    const outcome = await new DurableTask(() => step.run("outer", inner)).execute();
    expect(outcome).toMatchObject({
      error: { code: "NESTED_DURABLE_CALL", message: expect.stringContaining(wantMessage) },
    });
  });

  it("cannot be called when the function has ended", async () => {
    const late = Promise.withResolvers<unknown>();
    const task = new DurableTask(() => {
      setTimeout(() => step.run("late", () => 1).catch(late.resolve), 5);
    });
    await task.execute();
    expect(await late.promise).toMatchObject({ code: "CALLED_AFTER_END" });
  });

  it("that lost a race ends before the run does, and a wait that lost it is given up", async () => {
    const slow = Promise.withResolvers<string>();
    const task = new DurableTask(() =>
      Promise.race([step.run("quick", () => "quick"), step.run("slow", () => slow.promise), token("never")]),
    );
    const outcome = task.result();
    setTimeout(() => slow.resolve("slow"), 10);
    expect(await outcome).toBe("quick");
    expect(task.journal.appended.map(({ key }) => key)).toContain("slow");
  });

  it("runs in its region, and what comes after it in the function's", async () => {
    const regions: unknown[] = [];
    await new DurableTask(async () => {
      regions.push(currentRegion());
      await step.run("s", () => regions.push({ ...currentRegion() }), { files: "disposable" });
      regions.push(currentRegion());
    }).execute();
    expect(regions).toEqual([
      { kind: "function" },
      { kind: "step", name: "s", isOpen: true, files: "disposable", key: "s", tries: 1 },
      { kind: "function" },
    ]);
  });
});

describe("a run that goes on in another process", () => {
  it("gives each item its own child's result, whatever order steps and children ended in", async () => {
    const items = ["a", "b", "c", "d"];
    const { ran } = noting();
    const task = new DurableTask(async () => {
      const results = items.map(async (item) => {
        await step.run(item, async () => {
          ran.push(item);
          await new Promise((resolve) => setTimeout(resolve, 5 * (4 - items.indexOf(item))));
        });
        return `${item}:${await child("same child", () => `run_${item}`)}`;
      });
      return (await Promise.all(results)).join(" ");
    });
    void task.execute();
    while ((await task.untilWaiting()).length < 4) await new Promise(setImmediate);
    // Children of one fingerprint are told apart by the order of their calls, here d c b a.
    for (const wait of task.journal.openWaits().toReversed()) {
      task.journal.complete(wait.entry, { value: String(wait.childRunId) });
    }
    task.journal.crash();
    expect(await task.result()).toBe("a:run_a b:run_b c:run_c d:run_d");
    expect(ran.toSorted()).toEqual(items);
  });

  it("neither tries nor compensates again what it compensated before its wait", async () => {
    const { ran, note } = noting();
    const task = new DurableTask(async () => {
      try {
        await step.run("charge", () => {
          ran.push("charge");
          throw new Error("declined");
        });
      } catch {
        await step.run("release stock", note("release stock"));
      }
      return token("t");
    });
    void task.execute();
    await task.untilWaiting();
    task.journal.crash();
    const outcome = task.result();
    await task.untilWaiting();
    task.journal.complete(2, { value: "end" });
    expect(await outcome).toBe("end");
    expect(ran).toEqual(["charge", "release stock"]);
  });

  it("takes the same branch of a race, though both sides have ended by then", async () => {
    const { ran, note } = noting();
    const task = new DurableTask(async () => {
      const winner = await Promise.race([token("a").then(() => "a"), token("b").then(() => "b"), sleep(1000)]);
      await step.run(`after ${winner}`, note(`after ${winner}`));
      return `${winner} ${await token("last")}`;
    });
    void task.execute();
    await task.untilWaiting();
    task.journal.complete(1);
    task.journal.complete(0);
    task.journal.complete(2);
    await task.untilWaiting();
    task.journal.crash();
    const outcome = task.result();
    await task.untilWaiting();
    task.journal.complete(task.journal.openWaits()[0]?.entry ?? -1, { value: "x" });
    expect(await outcome).toBe("b x");
    expect(ran).toEqual(["after b"]);
  });

  it("runs steps 1 to 3 once where step 4 of 5 fails two attempts", async () => {
    const { ran, note } = noting();
    let failures = 2;
    const task = new DurableTask(async () => {
      for (const name of ["1", "2", "3"]) await step.run(name, note(name));
      await step.run("4", () => {
        ran.push("4");
        if (failures-- > 0) throw new Error("not yet");
      });
      await step.run("5", note("5"));
    });
    for (const attempt of [1, 2]) {
      const outcome = await task.execute(attempt);
      expect(outcome).toMatchObject({ kind: "failed", reopen: [3] });
      task.journal.reopen(outcome.kind === "failed" ? (outcome.reopen ?? []) : []);
    }
    expect(await task.execute(3)).toMatchObject({ kind: "completed" });
    expect(ran).toEqual(["1", "2", "3", "4", "4", "4", "5"]);
  });

  it("makes anew what failed the attempt, by cause and AggregateError too, and nothing that was caught", async () => {
    const task = new DurableTask(async () => {
      await step.run("caught", fail("caught")).catch(() => {});
      const failed = await step.run("wrapped", fail("wrapped")).catch((error: Error) => error);
      const two = await Promise.any([step.run("x", fail("x")), token("y")]).catch((error: AggregateError) => error);
      throw new Error("outer", { cause: new AggregateError([failed, new Error("inner", { cause: two })]) });
    });
    const outcome = task.execute();
    await task.untilWaiting();
    task.journal.complete(3, { error: { name: "Error", message: "y" } });
    expect(await outcome).toMatchObject({ kind: "failed", reopen: [1, 2, 3] });
  });

  it("passes over what only an earlier attempt called", async () => {
    const { ran, note } = noting();
    let isBroken = true;
    const task = new DurableTask(async () => {
      try {
        await step.run("charge", () => {
          ran.push("charge");
          if (isBroken) throw new Error("declined");
        });
      } catch (error) {
        await step.run("compensate", note("compensate"));
        throw error;
      }
      await step.run("after", note("after"));
    });
    expect(await task.execute(1)).toMatchObject({ kind: "failed", reopen: [0] });
    task.journal.reopen([0]);
    isBroken = false;
    expect(await task.execute(2)).toMatchObject({ kind: "completed" });
    expect(ran).toEqual(["charge", "compensate", "charge", "after"]);
  });

  it("passes over what it called before an error that asked for the same attempt again", async () => {
    const { ran, note } = noting();
    let isEarly = true;
    const task = new DurableTask(async () => {
      await step.run("before", note("before"));
      try {
        await step.run("ask", () => {
          ran.push("ask");
          if (isEarly) throw new RetryAfterError("too early", { retryAfter: 60_000 });
        });
      } catch (error) {
        await step.run("note it", note("note it"));
        throw error;
      }
      await step.run("after", note("after"));
    });
    const deferred = await task.execute(1);
    expect(deferred).toMatchObject({ kind: "failed", retry: { by: "defer" }, reopen: [1] });
    task.journal.reopen([1]);
    isEarly = false;
    expect(await task.execute(1)).toMatchObject({ kind: "completed" });
    expect(ran).toEqual(["before", "ask", "note it", "ask", "after"]);
  });

  it("triggers a child with one idempotency key, though its process is lost before the journal has it", async () => {
    const keys: string[] = [];
    const task = new DurableTask(() =>
      child("c", (onceKey) => {
        keys.push(onceKey);
        return "run_1";
      }),
    );
    const storing = Promise.withResolvers<void>();
    task.journal.beforeStore = () => {
      storing.resolve();
      return new Promise(() => {});
    };
    void task.execute();
    await storing.promise;
    task.journal.beforeStore = undefined;
    task.journal.crash();
    void task.execute();
    expect(await task.untilWaiting()).toEqual(["c"]);
    expect(keys).toEqual([keys[0], keys[0]]);
  });

  it("triggers a child that was refused no second time: the refusal is recorded", async () => {
    let triggers = 0;
    const task = new DurableTask(async () => {
      const refuse = () => {
        triggers += 1;
        throw Object.assign(new Error("no such task"), { code: "TASK_NOT_FOUND" });
      };
      const error = await child("c", refuse).catch((refusal: Error & { code: string }) => refusal);
      return `${(error as { code: string }).code} ${await token("t")}`;
    });
    void task.execute();
    await task.untilWaiting();
    task.journal.crash();
    const outcome = task.result();
    await task.untilWaiting();
    task.journal.complete(1, { value: "end" });
    expect(await outcome).toBe("TASK_NOT_FOUND end");
    expect(triggers).toBe(1);
  });

  it("makes a trigger once", async () => {
    let triggers = 0;
    const task = new DurableTask(async () => {
      const made = await durable().once({
        label: "t",
        fingerprint: "t",
        perform: async (onceKey) => ({ id: ++triggers, onceKey }),
      });
      return `${made.id} ${made.onceKey} ${await token("t")}`;
    });
    void task.execute();
    await task.untilWaiting();
    task.journal.crash();
    const outcome = task.result();
    await task.untilWaiting();
    task.journal.complete(1, { value: "end" });
    expect(await outcome).toBe("1 gantry:run_test:trigger:t end");
  });
});
