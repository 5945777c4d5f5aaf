import { describe, expect, test } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import type { AdmittedRun } from "../../runs/run-store.ts";
import { inTransaction } from "./transaction.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const { at, store } = acts;
const add = (runId: string, tags: string[]) => store.addTags(at.environmentId, runId, tags, 4);
const metadataOf = async (runId: string) => (await store.retrieve(at.environmentId, runId))?.metadata?.data.toString();

describe("tags", () => {
  test("are added once each, in order, to live and ended runs, up to the limit", async () => {
    const run = await acts.executing({ tags: ["b"] });
    expect(await add(run.runId, ["a", "b", "a"])).toEqual(["b", "a"]);
    await acts.finish(run, "COMPLETED", run);
    expect(await add(run.runId, ["c", "d"])).toEqual(["b", "a", "c", "d"]);
    expect(await add(run.runId, ["e"])).toBe("tooMany");
    expect(await add(newUuid(), ["a"])).toBe("unknown");
  });

  test("that come while the run is being written are all kept", async () => {
    const run = await acts.executing();
    const results = await Promise.all(["a", "b", "c", "d"].map((tag) => add(run.runId, [tag])));
    expect(results.every(Array.isArray)).toBe(true);
    expect((await store.retrieve(at.environmentId, run.runId))?.tags.sort()).toEqual(["a", "b", "c", "d"]);
  });

  test("wait for a change of the run that is under way", async () => {
    const run = await acts.executing();
    let adding: Promise<unknown> = Promise.resolve();
    await inTransaction(pool, async (client) => {
      await client.query("update run set priority_ms = 1 where id = $1", [run.runId]);
      adding = add(run.runId, ["late"]);
      await client.query("select pg_sleep(0.05)");
    });
    expect(await adding).toEqual(["late"]);
  });
});

describe("metadata", () => {
  const grow = (current: string | undefined) => `${current ?? ""}x`;

  test("is changed under the run's lock, however many change it at once", async () => {
    const run = await acts.executing();
    await Promise.all(Array.from({ length: 15 }, () => store.updateMetadata(at.environmentId, run.runId, grow)));
    expect(await metadataOf(run.runId)).toBe("x".repeat(15));
  });

  test("stays as it was where the change is refused", async () => {
    const run = await acts.executing();
    await store.updateMetadata(at.environmentId, run.runId, grow);
    const refused = store.updateMetadata(at.environmentId, run.runId, () => {
      throw new Error("too large");
    });
    await expect(refused).rejects.toThrow("too large");
    expect(await metadataOf(run.runId)).toBe("x");
    expect(await store.updateMetadata(at.environmentId, newUuid(), grow)).toBeUndefined();
  });

  test("from a worker is applied once to the run, its parent and its root, together", async () => {
    const root = await acts.executing();
    const parent = await acts.executing({ parentRunId: root.runId, rootRunId: root.runId });
    const child = await acts.executing({ parentRunId: parent.runId, rootRunId: root.runId });
    const batch = { number: 0, own: grow, parent: grow, root: grow };
    expect(await store.applyMetadataBatch(child, batch)).toEqual({
      environmentId: at.environmentId,
      runIds: [child, parent, root].map((run) => run.runId),
    });
    expect(await store.applyMetadataBatch(child, batch)).toBeUndefined();
    expect(await Promise.all([child, parent, root].map((run) => metadataOf(run.runId)))).toEqual(["x", "x", "x"]);
  });

  test("from a worker that could not be applied comes again whole", async () => {
    const run = await acts.executing();
    const refusal = () => {
      throw new Error("database away");
    };
    await expect(store.applyMetadataBatch(run, { number: 0, own: grow, root: refusal })).rejects.toThrow("away");
    expect(await metadataOf(run.runId)).toBeUndefined();
    const again = await store.applyMetadataBatch(run, { number: 0, own: grow, root: grow });
    expect(again?.runIds).toEqual([run.runId]);
    expect(await metadataOf(run.runId)).toBe("xx");
  });

  test("of many children of one run at once meets in no deadlock", async () => {
    const root = await acts.executing();
    const children = [];
    for (let n = 0; n < 10; n++)
      children.push(await acts.executing({ parentRunId: root.runId, rootRunId: root.runId }));
    await Promise.all(
      [...children, root].map((run) =>
        store.applyMetadataBatch(run, { number: 0, own: grow, parent: grow, root: grow }),
      ),
    );
    expect(await metadataOf(root.runId)).toBe("x".repeat(2 * 10 + 3));
  });
});

describe("events", () => {
  const event = (message: string, data?: string) => ({
    at: Date.now(),
    kind: "log" as const,
    level: "info" as const,
    message,
    ...(data === undefined ? {} : { data }),
  });

  test("are stored once, in order, read page by page", async () => {
    const run = await acts.executing();
    const first = ["1", "2", "3"].map((text) => event(text));
    expect(await store.appendEvents(run, 0, 1, first)).toBe(true);
    expect(await store.appendEvents(run, 0, 1, first)).toBe(true);
    expect(await store.appendEvents(run, 1, 1, [event("4")])).toBe(true);
    const page = await store.events(at.environmentId, run.runId, undefined, 3);
    const rest = await store.events(at.environmentId, run.runId, page.at(-1)?.cursor, 3);
    expect([...page, ...rest].map((one) => one.message)).toEqual(["1", "2", "3", "4"]);
  });

  test("of any content are stored as well as text can be", async () => {
    const run = await acts.executing();
    await store.appendEvents(run, 0, 1, [
      { ...event("a\0b \ud83d", "{\0}"), at: Number.MAX_VALUE },
      { ...event("😀"), at: -5 },
    ]);
    const kept = await store.events(at.environmentId, run.runId, undefined, 10);
    expect(kept.map((one) => [one.message, one.data])).toEqual([
      ["a␀b �", "{␀}"],
      ["😀", undefined],
    ]);
  });

  test("a 1 MB line is stored whole", async () => {
    const run = await acts.executing();
    await store.appendEvents(run, 0, 1, [event("x".repeat(1024 * 1024))]);
    expect((await store.events(at.environmentId, run.runId, undefined, 1))[0]?.message).toHaveLength(1024 * 1024);
  });
});

describe("metadata of many workers at once", () => {
  const grow = (current: string | undefined) => `${current ?? ""}x`;
  const executing = async (count: number) => {
    const runs: AdmittedRun[] = [];
    while (runs.length < count) runs.push(await acts.executing());
    return runs;
  };

  test("is all applied, each to its own run, with few commits", async () => {
    const runs = await executing(40);
    const applied = await Promise.all(
      runs.map((run, index) => store.applyMetadataBatch(run, { number: 0, own: () => `{"n":${index}}` })),
    );
    expect(applied.map((one) => one?.runIds)).toEqual(runs.map((run) => [run.runId]));
    expect(await Promise.all(runs.map((run) => metadataOf(run.runId)))).toEqual(
      runs.map((_, index) => `{"n":${index}}`),
    );
    const { rows } = await pool.query<{ commits: number }>(
      "select count(distinct xmin::text)::int as commits from run where id = any ($1)",
      [runs.map(({ runId }) => runId)],
    );
    expect(rows[0]?.commits).toBeLessThan(15);
  });

  test("fails for the one that is too large, and for no other", async () => {
    const [good, bad] = [await acts.executing(), await acts.executing()];
    const refusal = () => {
      throw new Error("too large");
    };
    const [one, other] = await Promise.allSettled([
      store.applyMetadataBatch(good, { number: 0, own: grow }),
      store.applyMetadataBatch(bad, { number: 0, own: refusal }),
    ]);
    expect([one.status, other.status]).toEqual(["fulfilled", "rejected"]);
    expect([await metadataOf(good.runId), await metadataOf(bad.runId)]).toEqual(["x", undefined]);
  });

  test("loses no change that comes from elsewhere at the same time", async () => {
    const runs = await executing(10);
    const rounds = 10;
    await Promise.all(
      runs.flatMap((run) => [
        (async () => {
          for (let number = 0; number < rounds; number++) await store.applyMetadataBatch(run, { number, own: grow });
        })(),
        (async () => {
          for (let n = 0; n < rounds; n++) await store.updateMetadata(at.environmentId, run.runId, grow);
        })(),
      ]),
    );
    for (const run of runs) expect(await metadataOf(run.runId)).toBe("x".repeat(2 * rounds));
  });
});
