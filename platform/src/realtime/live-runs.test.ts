import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { liveStage, type PlayedSocket } from "../../test/support/live-stage.ts";
import { testDatabase } from "../../test/support/test-database.ts";
import { encodeId, newUuid } from "../ids.ts";

const { pool } = await testDatabase();
const stage = () => liveStage(pool);
type Stage = Awaited<ReturnType<typeof stage>>;

const setTo = (value: number) => () => JSON.stringify({ value });
async function subscribed(at: Stage, target: object, more: object = {}): Promise<PlayedSocket> {
  const socket = at.socket();
  const asked = socket.subscribe({ target, ...more });
  await at.pulse.advance(100);
  await asked;
  await at.pulse.advance(100);
  return socket;
}
const valueOf = (socket: PlayedSocket) => (socket.of("update").at(-1)?.runs[0]?.metadata as { value: number })?.value;

describe("a run that changes a thousand times a second", () => {
  test("reaches its subscriber twenty times a second at most, and always with its last value", async () => {
    const at = await stage();
    const { run } = await at.acts.insert();
    const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
    for (let n = 1; n <= 1000; n++) {
      // What it is worth is in the store; the hint alone is what is said a thousand times.
      if (n % 100 === 0) await at.untold.updateMetadata(at.acts.at.environmentId, run.id, setTo(n));
      at.hints.touched(at.acts.at.environmentId, [at.id(run.id)]);
      await at.pulse.advance(1);
    }
    await at.pulse.advance(100);
    expect(socket.of("update").length).toBeLessThanOrEqual(20);
    expect(socket.of("update").length).toBeGreaterThan(5);
    expect(valueOf(socket)).toBe(1000);
    expect(at.counts.reads).toBeLessThanOrEqual(25);
  });

  test("costs one read for all who see it", async () => {
    const at = await stage();
    const { run } = await at.acts.insert({ tags: ["shared"] });
    const runId = at.id(run.id);
    const sockets = [
      ...(await Promise.all(Array.from({ length: 5 }, () => subscribed(at, { kind: "run", runId })))),
      await subscribed(at, { kind: "tag", tags: ["shared"] }),
      await subscribed(at, { kind: "environment" }),
    ];
    const before = at.counts.reads;
    await at.acts.store.updateMetadata(at.acts.at.environmentId, run.id, setTo(7));
    await at.pulse.advance(100);
    expect(sockets.map(valueOf)).toEqual(sockets.map(() => 7));
    expect(at.counts.reads - before).toBe(1);
  });
});

describe("a hint that is lost", () => {
  const targets: Record<string, (runId: string) => object> = {
    "of a run": (runId) => ({ kind: "run", runId }),
    "of a set": () => ({ kind: "tag", tags: ["a", "b"] }),
    "of the environment": () => ({ kind: "environment" }),
  };
  test.each(Object.entries(targets))("%s is made up for by looking", async (_sentence, target) => {
    const at = await stage();
    const { run } = await at.acts.insert({ tags: ["a", "b", "c"] });
    const socket = await subscribed(at, target(at.id(run.id)));
    await at.check();
    await at.untold.updateMetadata(at.acts.at.environmentId, run.id, setTo(3));
    await at.pulse.advance(4_000);
    expect(socket.of("update")).toEqual([]);
    await at.pulse.advance(1_500);
    await at.check();
    expect(valueOf(socket)).toBe(3);
    expect(at.counts.repaired).toBe(1);
  });

  test("is looked for at once when replicas have not heard of each other", async () => {
    const at = await stage();
    const { run } = await at.acts.insert();
    const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
    await at.untold.updateMetadata(at.acts.at.environmentId, run.id, setTo(4));
    at.loseHints();
    await at.pulse.advance(100);
    expect(valueOf(socket)).toBe(4);
  });

  test("costs nobody anything where nothing differs", async () => {
    const at = await stage();
    const { run } = await at.acts.insert();
    const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
    for (let round = 0; round < 3; round++) {
      await at.pulse.advance(6_000);
      await at.check();
    }
    expect([socket.said.length, at.counts.repaired]).toEqual([1, 0]);
  });
});

describe("runs that commit in another order than they were made", () => {
  test.each([{ kind: "environment" }, { kind: "tag", tags: ["late"] }])("are all in the set: %o", async (target) => {
    const at = await stage();
    const early = { ...at.acts.at.run(at.acts.queueId, { tags: ["late"] }), id: newUuid() };
    const socket = await subscribed(at, target);
    const { run: later } = await at.acts.insert({ tags: ["late"] });
    await at.pulse.advance(100);
    expect([...(socket.views.get("1")?.keys() ?? [])]).toEqual([at.id(later.id)]);
    // Its transaction was open all the while, and its hint is lost too.
    await at.untold.insert([early]);
    await at.pulse.advance(6_000);
    await at.check();
    expect(socket.views.get("1")).toEqual(await at.truth());
  });
});

describe("a client that takes nothing", () => {
  test("costs the ids of what it is owed, holds back nobody, and is sent what is true when it takes messages again", async () => {
    const at = await stage();
    const runs = await Promise.all(Array.from({ length: 30 }, () => at.acts.insert({ tags: ["slow"] })));
    const slow = await subscribed(at, { kind: "tag", tags: ["slow"] });
    const quick = await subscribed(at, { kind: "tag", tags: ["slow"] });
    slow.isReady = false;
    const sent = slow.said.length;
    for (let n = 1; n <= 10; n++) {
      for (const { run } of runs) await at.untold.updateMetadata(at.acts.at.environmentId, run.id, setTo(n));
      at.hints.touched(
        at.acts.at.environmentId,
        runs.map(({ run }) => at.id(run.id)),
      );
      await at.pulse.advance(60);
    }
    expect(quick.views.get("1")).toEqual(await at.truth());
    expect(quick.of("update").length).toBeGreaterThan(5);
    expect(slow.said).toHaveLength(sent);
    slow.drain();
    await at.pulse.advance(500);
    expect(slow.views.get("1")).toEqual(await at.truth());
    // Each run once: what lay between is of no interest any more.
    expect(slow.of("update").flatMap(({ runs: some }) => some)).toHaveLength(30);
  });

  test("of an environment in which more happens than can be remembered is told to look itself", async () => {
    const at = await stage();
    const socket = await subscribed(at, { kind: "environment", limit: 10 });
    socket.isReady = false;
    const many = Array.from({ length: 700 }, () => at.acts.at.run(at.acts.queueId));
    await at.acts.store.insert(many);
    await at.pulse.advance(500);
    socket.drain();
    await at.pulse.advance(200);
    expect(socket.of("stale")).toEqual([{ id: "1" }]);
    expect(socket.of("update")).toEqual([]);
    const { run } = await at.acts.insert();
    await at.pulse.advance(200);
    expect(socket.views.get("1")?.has(at.id(run.id))).toBe(true);
  });

  test("of a set gets a new snapshot then", async () => {
    const at = await stage();
    const socket = await subscribed(at, { kind: "tag", tags: ["flood"] });
    socket.isReady = false;
    await at.acts.store.insert(Array.from({ length: 600 }, () => at.acts.at.run(at.acts.queueId, { tags: ["flood"] })));
    await at.pulse.advance(500);
    socket.drain();
    await at.pulse.advance(1_000);
    expect(socket.of("snapshot")).toHaveLength(2);
    // The newest five hundred.
    expect(socket.views.get("1")).toEqual(await at.truth());
  });

  test("while it subscribes gets its snapshot when it takes messages", async () => {
    const at = await stage();
    const { run } = await at.acts.insert({ tags: ["wait"] });
    for (const target of [
      { kind: "run", runId: at.id(run.id) },
      { kind: "tag", tags: ["wait"] },
    ]) {
      const socket = at.socket();
      socket.isReady = false;
      const asked = socket.subscribe({ target });
      await at.pulse.advance(100);
      await asked;
      expect(socket.said).toEqual([]);
      await at.acts.store.updateMetadata(at.acts.at.environmentId, run.id, setTo(1));
      socket.drain();
      await at.pulse.advance(200);
      expect(socket.of("snapshot")).toHaveLength(1);
      expect(socket.views.get("1")).toEqual(await at.truth());
    }
  });
});

describe("more than is worth reading one by one", () => {
  test("is told to those who see an environment, and is read for those who see its runs", async () => {
    const at = await stage();
    const { run } = await at.acts.insert();
    const all = await subscribed(at, { kind: "environment" });
    const one = await subscribed(at, { kind: "run", runId: at.id(run.id) });
    const strangers = Array.from({ length: 3_000 }, () => encodeId("run", newUuid()));
    at.hints.touched(at.acts.at.environmentId, strangers);
    await at.acts.store.updateMetadata(at.acts.at.environmentId, run.id, setTo(9));
    await at.pulse.advance(500);
    expect(all.of("stale").length).toBe(1);
    expect(valueOf(one)).toBe(9);
  });
});

describe("what a client has already", () => {
  test("is not sent again, of a run or of a set", async () => {
    const at = await stage();
    const [kept, changed] = [await at.acts.insert({ tags: ["t"] }), await at.acts.insert({ tags: ["t"] })];
    const since = Object.fromEntries(await at.truth());
    await at.untold.updateMetadata(at.acts.at.environmentId, changed.run.id, setTo(1));
    const set = await subscribed(at, { kind: "tag", tags: ["t"] }, { since });
    expect(set.of("snapshot")[0]).toMatchObject({
      runs: [{ id: at.id(changed.run.id) }],
      unchanged: [at.id(kept.run.id)],
    });
    const run = await subscribed(at, { kind: "run", runId: at.id(kept.run.id) }, { since });
    expect(run.of("snapshot")).toEqual([{ id: "1", runs: [], unchanged: [at.id(kept.run.id)] }]);
  });

  test("of a payload or an output it does not want is left out, and a payload is sent once", async () => {
    const at = await stage();
    const { run } = await at.acts.insert();
    const runId = at.id(run.id);
    const plain = await subscribed(at, { kind: "run", runId });
    const without = await subscribed(at, { kind: "run", runId }, { skip: ["payload", "output"] });
    const output = { data: Buffer.from('"done"'), type: "application/json" };
    await at.acts.finish({ runId: run.id }, "CANCELED", undefined, { output });
    await at.pulse.advance(200);
    expect(plain.of("snapshot")[0]?.runs[0]).toMatchObject({ payload: { n: 1 } });
    expect(plain.of("update")[0]?.runs[0]).toMatchObject({ status: "CANCELED", output: "done" });
    expect(Object.keys(plain.of("update")[0]?.runs[0] ?? {}).filter((name) => name.startsWith("payload"))).toEqual([]);
    expect(JSON.stringify(without.said)).not.toMatch(/"(payload|output)/);
  });

  test("of a large payload is a link", async () => {
    const at = await stage();
    const payload = { data: Buffer.from(JSON.stringify("x".repeat(200_000))), type: "application/json" };
    const { run } = await at.acts.insert({ payload });
    const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
    const [shown] = socket.of("snapshot")[0]?.runs ?? [];
    expect(shown).toMatchObject({ payloadPresignedUrl: `https://link/${at.id(run.id)}/payload` });
    expect(shown).not.toHaveProperty("payload");
  });
});

describe("who may not", () => {
  test("is refused a run of another environment, even while others see it there", async () => {
    const [mine, theirs] = [await stage(), await stage()];
    const { run } = await mine.acts.insert();
    await subscribed(mine, { kind: "run", runId: mine.id(run.id) });
    const stranger = mine.socket(theirs.acts.at.environmentId);
    const asked = stranger.subscribe({ target: { kind: "run", runId: mine.id(run.id) } });
    const refused = expect(asked).rejects.toMatchObject({ code: "RUN_NOT_FOUND" });
    const owner = mine.socket();
    const allowed = owner.subscribe({ target: { kind: "run", runId: mine.id(run.id) } });
    await mine.pulse.advance(200);
    await refused;
    await allowed;
    expect(owner.of("snapshot")).toHaveLength(1);
    expect(stranger.said).toEqual([]);
  });

  test("is closed when a renewed token allows less, and only that", async () => {
    const at = await stage();
    const { run } = await at.acts.insert({ tags: ["mine"] });
    const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
    const asked = socket.subscribe({ id: "2", target: { kind: "tag", tags: ["mine"] } });
    await at.pulse.advance(100);
    await asked;
    socket.allowed = (resources) => resources.some(({ kind, id }) => kind === "tags" && id === "mine");
    socket.feature.renewed();
    expect(socket.of("closed")).toEqual([]);
    socket.allowed = (resources) => resources.some(({ id }) => id === at.id(run.id));
    socket.feature.renewed();
    expect(socket.of("closed")).toMatchObject([{ id: "2", error: { code: "FORBIDDEN" } }]);
    await at.acts.store.updateMetadata(at.acts.at.environmentId, run.id, setTo(5));
    await at.pulse.advance(100);
    expect(socket.of("update").map(({ id }) => id)).toEqual(["1"]);
  });
});

test("a run that retention has removed ends its subscription", async () => {
  const at = await stage();
  const { run } = await at.acts.insert();
  const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
  await at.acts.finish({ runId: run.id }, "CANCELED");
  await pool.query("delete from run_history where id = $1", [run.id]);
  await at.pulse.advance(6_000);
  await at.check();
  expect(socket.of("closed")).toMatchObject([{ id: "1", error: { code: "RUN_NOT_FOUND" } }]);
});

test("what cannot be read now is read when the store is back", async () => {
  const at = await stage();
  const { run } = await at.acts.insert();
  const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
  const { read } = at.trackedReads;
  at.trackedReads.read = () => Promise.reject(new Error("away"));
  await at.acts.store.updateMetadata(at.acts.at.environmentId, run.id, setTo(6));
  await at.pulse.advance(300);
  expect(at.errors).toHaveLength(1);
  at.trackedReads.read = read;
  await at.pulse.advance(600);
  expect(valueOf(socket)).toBe(6);
});

test("nobody watches an environment any more once its last subscription has ended", async () => {
  const at = await stage();
  const { run } = await at.acts.insert();
  const { environmentId } = at.acts.at;
  const socket = await subscribed(at, { kind: "run", runId: at.id(run.id) });
  expect(at.hints.isWatched(environmentId)).toBe(true);
  socket.feature.gone();
  expect(at.hints.isWatched(environmentId)).toBe(false);
});

type Act =
  | { do: "change"; run: number; isTold: boolean }
  | { do: "insert"; isTold: boolean }
  | { do: "finish"; run: number }
  | { do: "stall" | "drain" | "reconnect" }
  | { do: "pass"; ms: number };
const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant("change" as const), run: fc.nat(20), isTold: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("insert" as const), isTold: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("finish" as const), run: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("stall" as const, "drain" as const, "reconnect" as const) }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 1, max: 3_000 }) }) },
);

test("whatever changes, is lost, stalls and comes again: in the end the client sees what the store has", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { minLength: 5, maxLength: 40 }),
      fc.constantFrom("environment", "tag"),
      async (acts, kind) => {
        const at = await stage();
        const { environmentId } = at.acts.at;
        const target = kind === "tag" ? { kind, tags: ["p"] } : { kind };
        const runs: string[] = [];
        let socket = at.socket();
        let view = new Map<string, number>();
        const connect = async () => {
          const asked = socket.subscribe({ target, since: Object.fromEntries(view) });
          await at.pulse.advance(5);
          await asked;
        };
        /** What the client has learnt over all its connections. */
        const learn = () => (view = new Map([...view, ...(socket.views.get("1") ?? [])]));
        await connect();
        for (const step of acts) {
          const store = "isTold" in step && !step.isTold ? at.untold : at.acts.store;
          const run = "run" in step ? runs[step.run % Math.max(1, runs.length)] : undefined;
          if (step.do === "insert") {
            const made = at.acts.at.run(at.acts.queueId, { tags: ["p"] });
            await store.insert([made]);
            runs.push(made.id);
          } else if (step.do === "change" && run !== undefined)
            await store.updateMetadata(environmentId, run, setTo(Math.random()));
          else if (step.do === "finish" && run !== undefined) await at.acts.finish({ runId: run }, "CANCELED");
          else if (step.do === "stall") socket.isReady = false;
          else if (step.do === "drain") socket.drain();
          else if (step.do === "reconnect") {
            learn();
            socket.feature.gone();
            socket = at.socket();
            await connect();
          } else if (step.do === "pass") await at.pulse.advance(step.ms);
        }
        socket.drain();
        await at.pulse.advance(6_000);
        await at.check();
        await at.pulse.advance(500);
        learn();
        expect(view).toEqual(await at.truth());
        expect(at.errors).toEqual([]);
        socket.feature.gone();
      },
    ),
    { numRuns: 80 },
  );
}, 120_000);
