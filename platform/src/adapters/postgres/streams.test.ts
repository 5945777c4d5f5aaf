import { DEFAULT_LIMITS, type StreamChunk } from "@gantry/sdk/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { storeActs } from "../../../test/support/store-acts.ts";
import { testDatabase } from "../../../test/support/test-database.ts";
import { newUuid } from "../../ids.ts";
import type { Append, StreamRef } from "../../streams/stream.ts";
import { createPostgresStreamStore } from "./postgres-stream-store.ts";
import { createUpkeep } from "./upkeep.ts";

const { pool } = await testDatabase();
const acts = await storeActs(pool);
const store = createPostgresStreamStore(pool);
const { environmentId } = acts.at;
const LIMITS = { ...DEFAULT_LIMITS };

async function executing() {
  const run = await acts.executing();
  const writer = { runId: run.runId, executionId: run.executionId, fence: run.fence };
  const ref = (name = "out", direction: StreamRef["direction"] = "output") =>
    ({ environmentId, runId: run.runId, direction, name }) satisfies StreamRef;
  return { run, writer, ref };
}

const append = (over: Partial<Append>): Append => ({ producer: "p", sequence: 0, chunks: [], ends: false, ...over });
const texts = (from: number, count: number) => Array.from({ length: count }, (_, index) => `"t${from + index}"`);

async function readAll(ref: StreamRef, from = 0, maxBytes = 1000): Promise<StreamChunk[]> {
  const [look] = await store.look([ref]);
  const all: StreamChunk[] = [];
  for (let next = from; next < (look?.next ?? 0); ) {
    const chunks = await store.read(look?.streamId as string, next, maxBytes);
    all.push(...chunks);
    next = (chunks.at(-1)?.index ?? Number.POSITIVE_INFINITY) + 1;
  }
  return all;
}

describe("appends", () => {
  it("number chunks from 0 without gaps, and are read from any index", async () => {
    const { writer, ref } = await executing();
    expect(await store.append(ref(), append({ chunks: texts(0, 3), attempt: 2 }), LIMITS, writer)).toEqual({
      next: 3,
      sequence: 3,
      isEnded: false,
    });
    await store.append(ref(), append({ producer: "q", chunks: texts(3, 2) }), LIMITS, writer);
    const chunks = await readAll(ref());
    expect(chunks.map(({ index, data, attempt }) => [index, data, attempt])).toEqual([
      [0, '"t0"', 2],
      [1, '"t1"', 2],
      [2, '"t2"', 2],
      [3, '"t3"', undefined],
      [4, '"t4"', undefined],
    ]);
    expect(await readAll(ref(), 2)).toEqual(chunks.slice(2));
    expect(await readAll(ref(), 9)).toEqual([]);
  });

  it("are stored once however often and however cut they come, and again as another producer's where they differ", async () => {
    const { writer, ref } = await executing();
    const send = (over: Partial<Append>) => store.append(ref(), append(over), LIMITS, writer);
    await send({ chunks: texts(0, 4) });
    await send({ sequence: 4, chunks: texts(4, 2) });
    expect(await send({ sequence: 4, chunks: texts(4, 2) })).toEqual({ next: 6, sequence: 6, isEnded: false });
    expect(await send({ sequence: 0, chunks: texts(0, 3) })).toEqual({ next: 6, sequence: 6, isEnded: false });
    expect(await send({ sequence: 3, chunks: texts(3, 5) })).toEqual({ next: 8, sequence: 8, isEnded: false });
    expect(await send({ sequence: 2, chunks: ['"t2"', '"other"'] })).toMatchObject({
      refused: { code: "STREAM_DIVERGED", details: { sequence: 3 } },
    });
    expect((await readAll(ref())).map(({ data }) => data)).toEqual(texts(0, 8));
  });

  it("end the stream where the producer says so", async () => {
    const { writer, ref } = await executing();
    await store.append(ref(), append({ chunks: ["1"], attempt: 1 }), LIMITS, writer);
    expect(await store.look([ref()])).toMatchObject([{ next: 1, isEnded: false }]);
    await store.append(ref(), append({ sequence: 1, ends: true, attempt: 1 }), LIMITS, writer);
    expect(await store.look([ref()])).toMatchObject([{ next: 1, isEnded: true }]);
    const more = append({ producer: "q", chunks: ["2"] });
    expect(await store.append(ref(), { ...more, attempt: 1 }, LIMITS, writer)).toMatchObject({
      refused: { code: "STREAM_ENDED" },
    });
    expect(await store.append(ref(), { ...more, attempt: 2 }, LIMITS, writer)).toMatchObject({ isEnded: false });
    expect(await store.look([ref()])).toMatchObject([{ next: 2, isEnded: false }]);
  });

  it("write nothing for a worker that has lost its run, nor to a run that has ended", async () => {
    const { run, writer, ref } = await executing();
    const chunks = append({ chunks: ["1"] });
    expect(await store.append(ref(), chunks, LIMITS, { ...writer, fence: "999999" })).toEqual({ refused: "FENCED" });
    const other = await executing();
    expect(await store.append(ref(), chunks, LIMITS, { ...writer, runId: other.run.runId })).toEqual({
      refused: "FENCED",
    });
    await store.append(ref(), chunks, LIMITS, writer);
    await acts.finish(run, "COMPLETED", run);
    expect(await store.append(ref(), chunks, LIMITS, writer)).toEqual({ refused: "FENCED" });
    expect(await store.append(ref(), chunks, LIMITS, undefined)).toEqual({ refused: "RUN_ENDED" });
    expect(await store.look([ref(), ref("none"), { ...ref(), runId: newUuid() }])).toEqual([
      { streamId: expect.any(String), next: 1, isEnded: true },
      { streamId: undefined, next: 0, isEnded: true },
      undefined,
    ]);
    expect(await store.append({ ...ref(), environmentId: environmentId + 1 }, chunks, LIMITS, undefined)).toEqual({
      refused: "RUN_ENDED",
    });
  });

  it("keep a run from ending while they are on their way", async () => {
    const { run, writer, ref } = await executing();
    const appends = Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        store.append(ref(), append({ producer: `p${index}`, chunks: ["1"] }), LIMITS, writer),
      ),
    );
    const finished = acts.finish(run, "COMPLETED", run);
    const stored = (await appends).filter((result) => !("refused" in result)).length;
    expect(await finished).toBe(true);
    expect(await store.look([ref()])).toMatchObject([{ next: stored, isEnded: true }]);
  });

  it("of a parent's or another run's stream need that run to live", async () => {
    const { writer } = await executing();
    const other = await executing();
    const chunks = append({ chunks: ["1"] });
    expect(await store.append(other.ref(), chunks, LIMITS, writer)).toMatchObject({ next: 1 });
    await acts.finish(other.run, "COMPLETED", other.run);
    expect(await store.append(other.ref(), chunks, LIMITS, writer)).toEqual({ refused: "RUN_ENDED" });
  });

  it("keep to the limits, also where streams begin at once", async () => {
    const { writer, ref } = await executing();
    const limits = { ...LIMITS, streamsPerRun: 3, streamBytes: 100 };
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.append(ref(`s${index}`), append({ chunks: ["1"] }), limits, writer),
      ),
    );
    expect(results.filter((result) => !("refused" in result))).toHaveLength(3);
    const streams = await store.list(environmentId, writer.runId);
    expect(streams?.map(({ chunks, bytes, direction }) => [chunks, bytes, direction])).toEqual(
      Array(3).fill([1, 2, "output"]),
    );
    const full = append({ producer: "q", chunks: [`"${"x".repeat(98)}"`] });
    expect(await store.append(ref(streams?.[0]?.name), full, limits, writer)).toMatchObject({
      refused: { code: "STREAM_LIMIT", details: { limit: "streamBytes" } },
    });
  });

  it("give every reader each chunk once and in order, whatever is repeated, cut or read meanwhile", {
    timeout: 60_000,
  }, async () => {
    const step = fc.record({
      producer: fc.integer({ min: 0, max: 2 }),
      back: fc.integer({ min: 0, max: 4 }),
      count: fc.integer({ min: 0, max: 6 }),
      read: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), fc.integer({ min: 1, max: 40 }), async (steps, maxBytes) => {
        const { writer, ref } = await executing();
        const sent = [0, 0, 0];
        const seen: StreamChunk[] = [];
        const readOn = async () => void seen.push(...(await readAll(ref(), seen.length, maxBytes)));
        for (const { producer, back, count, read } of steps) {
          const sequence = Math.max(0, (sent[producer] ?? 0) - back);
          const chunks = Array.from({ length: count }, (_, index) => `"${producer}:${sequence + index}"`);
          const request = append({ producer: `p${producer}`, sequence, chunks });
          const reading = read ? readOn() : undefined;
          // Twice at once, as where the reply was lost while the first is still on its way.
          await Promise.all([
            store.append(ref(), request, LIMITS, writer),
            store.append(ref(), request, LIMITS, writer),
          ]);
          await reading;
          sent[producer] = Math.max(sent[producer] ?? 0, sequence + count);
        }
        await readOn();
        expect(seen.map(({ index }) => index)).toEqual(seen.map((_, index) => index));
        for (const producer of [0, 1, 2]) {
          const own = seen.filter(({ data }) => data.startsWith(`"${producer}:`)).map(({ data }) => data);
          expect(own).toEqual(Array.from({ length: sent[producer] ?? 0 }, (_, index) => `"${producer}:${index}"`));
        }
      }),
      { numRuns: 40 },
    );
  });
});

describe("messages to a run", () => {
  const message = (id: string) => ({ id, chunk: `{"id":"${id}"}` });
  const token = (over = {}) => ({ id: newUuid(), tags: [], ...over });
  async function outputOf(id: string) {
    const { rows } = await pool.query<{ status: string; output: Buffer | null }>(
      "select status, output from waitpoint where id = $1",
      [id],
    );
    return rows[0]?.output ? JSON.parse(String(rows[0].output)) : rows[0]?.status;
  }

  it("are stored once for each id", async () => {
    const { ref } = await executing();
    const input = ref("in", "input");
    expect(await store.send(input, message("a"), LIMITS)).toEqual({ index: 0, isTaken: false });
    expect(await store.send(input, message("b"), LIMITS)).toEqual({ index: 1, isTaken: false });
    expect(await store.send(input, message("a"), LIMITS)).toEqual({ index: 0, isTaken: false });
    expect((await readAll(input)).map(({ data }) => data)).toEqual(['{"id":"a"}', '{"id":"b"}']);
  });

  it("go to one wait each, in order, whichever comes first", async () => {
    const { ref, writer } = await executing();
    const input = ref("in", "input");
    const wait = async () => ((await store.wait(input, token(), LIMITS, writer)) as { id: string }).id;
    await store.send(input, message("a"), LIMITS);
    const waits = [await wait(), await wait(), await wait()];
    expect(await Promise.all(waits.map(outputOf))).toEqual([{ index: 0, data: { id: "a" } }, "WAITING", "WAITING"]);
    expect(await store.send(input, message("b"), LIMITS)).toEqual({ index: 1, isTaken: true });
    await store.send(input, message("b"), LIMITS);
    await store.send(input, message("c"), LIMITS);
    await store.send(input, message("d"), LIMITS);
    expect(await Promise.all(waits.slice(1).map(outputOf))).toEqual([
      { index: 1, data: { id: "b" } },
      { index: 2, data: { id: "c" } },
    ]);
    expect(await outputOf(await wait())).toEqual({ index: 3, data: { id: "d" } });
  });

  it("pass over waits whose time is over", async () => {
    const { ref, writer } = await executing();
    const input = ref("in", "input");
    const late = token({ timeoutAt: new Date(Date.now() - 1000) });
    const next = token();
    await store.wait(input, late, LIMITS, writer);
    await store.wait(input, next, LIMITS, writer);
    expect(await store.send(input, message("a"), LIMITS)).toEqual({ index: 0, isTaken: true });
    expect([await outputOf(late.id), await outputOf(next.id)]).toEqual(["TIMED_OUT", { index: 0, data: { id: "a" } }]);
  });

  it("are given to one token where a wait is asked for twice with one key", async () => {
    const { ref, writer } = await executing();
    const input = ref("in", "input");
    await store.send(input, message("a"), LIMITS);
    await store.send(input, message("b"), LIMITS);
    const keyed = () => token({ idempotencyKey: `k ${writer.runId}`, idempotencyKeyTtlMs: 60_000 });
    const first = await store.wait(input, keyed(), LIMITS, writer);
    const second = await store.wait(input, keyed(), LIMITS, writer);
    expect([first, second]).toMatchObject([{ isCached: false }, { id: (first as { id: string }).id, isCached: true }]);
    const other = token();
    await store.wait(input, other, LIMITS, writer);
    expect(await outputOf(other.id)).toEqual({ index: 1, data: { id: "b" } });
  });

  it("are not taken by a worker that has lost its run", async () => {
    const { ref, writer } = await executing();
    const input = ref("in", "input");
    await store.send(input, message("a"), LIMITS);
    expect(await store.wait(input, token(), LIMITS, { ...writer, fence: "999999" })).toEqual({ refused: "FENCED" });
  });

  it("are each given once, where senders and waits come at once", async () => {
    const { ref, writer } = await executing();
    const input = ref("in", "input");
    const waits = Array.from({ length: 10 }, () => token());
    await Promise.all([
      ...waits.map((each) => store.wait(input, each, LIMITS, writer)),
      ...Array.from({ length: 10 }, (_, index) => store.send(input, message(`m${index}`), LIMITS)),
    ]);
    const outputs = (await Promise.all(waits.map(({ id }) => outputOf(id)))) as { index: number }[];
    expect(outputs.map(({ index }) => index).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe("retention", () => {
  it("removes a stream some days after its run has ended, and none of a run that lives", async () => {
    const upkeep = createUpkeep(pool);
    const [old, young, live] = [await executing(), await executing(), await executing()];
    for (const { ref, writer } of [old, young, live])
      await store.append(ref(), append({ chunks: ["1"] }), LIMITS, writer);
    await acts.finish(old.run, "COMPLETED", old.run);
    await acts.finish(young.run, "COMPLETED", young.run);
    await pool.query(
      "update stream set created_at = now() - interval '8 days', updated_at = now() - interval '8 days'",
    );
    await pool.query("select ensure_partitions()");
    await pool.query("update run_history set finished_at = finished_at - interval '8 days' where id = $1", [
      old.run.runId,
    ]);
    await upkeep.deleteExpired();
    const { rows } = await pool.query<{ run_id: string }>(
      "select run_id from stream s where exists (select 1 from stream_batch b where b.stream_id = s.id) and run_id = any ($1)",
      [[old, young, live].map(({ run }) => run.runId)],
    );
    expect(rows.map((row) => row.run_id).sort()).toEqual([young.run.runId, live.run.runId].sort());
  });
});
