import type { StreamChunk } from "@gantry/sdk/contract";
import { describe, expect, it } from "vitest";
import type { StreamRef } from "./stream.ts";
import { StreamFeeds } from "./stream-feeds.ts";

const REF: StreamRef = { environmentId: 1, runId: "uuid", direction: "output", name: "out" };
const AT = new Date(0).toISOString();

/** A store with one stream, which counts what it is asked, and hints that the test gives. */
function world() {
  const texts: string[] = [];
  const state = { isEnded: false, isKnown: true, looks: 0, reads: 0, failure: undefined as Error | undefined };
  const hints: { streamed?: (runIds: string[]) => void; touched?: (id: number, runIds: string[]) => void } = {};
  let watches = 0;
  const chunksFrom = (from: number) =>
    texts.slice(from).map((data, index): StreamChunk => ({ index: from + index, data, at: AT }));
  const feeds = new StreamFeeds({
    store: {
      async look(refs) {
        state.looks += 1;
        if (state.failure) throw state.failure;
        return refs.map(() =>
          state.isKnown ? { streamId: "1", next: texts.length, isEnded: state.isEnded } : undefined,
        );
      },
      async read(_id, from, maxBytes) {
        state.reads += 1;
        let bytes = 0;
        return chunksFrom(from).filter(({ data }) => (bytes += data.length) - data.length < maxBytes);
      },
    },
    changes: {
      watch() {
        watches += 1;
        return () => void (watches -= 1);
      },
      onTouched: (listener) => void (hints.touched = listener as never),
      onLost: () => undefined,
    },
    hints: { onStreamed: (listener) => void (hints.streamed = listener as never) },
    lookGapMs: 0,
  });
  const open = async (from: number | "latest" = 0) => {
    const reading = await feeds.open(REF, "run_1", from);
    if (!reading) throw new Error("there is no such run");
    return reading;
  };
  const values = async (reading: Awaited<ReturnType<typeof open>>, maxBytes = 1_000_000) =>
    (await reading.read(maxBytes)).chunks.map(({ data }) => data);
  return { feeds, texts, state, hints, open, values, watches: () => watches };
}

describe("readers of a stream", () => {
  it("share one look and one read for what is new, however many they are", async () => {
    const { texts, state, hints, open, values } = world();
    texts.push("1", "2");
    const readers = await Promise.all([open(), open(1), open("latest")]);
    expect(await Promise.all([values(readers[0]), values(readers[1])])).toEqual([["1", "2"], ["2"]]);
    const before = { ...state };
    texts.push("3");
    const waiting = Promise.all(readers.map((reader) => values(reader)));
    hints.streamed?.(["run_1", "run_other"]);
    expect(await waiting).toEqual([["3"], ["3"], ["3"]]);
    expect([state.looks - before.looks, state.reads - before.reads]).toEqual([1, 1]);
  });

  it("who is far behind reads the store by itself, and holds up nobody", async () => {
    const { texts, hints, open, values } = world();
    texts.push("0");
    const [slow, quick] = [await open(), await open("latest")];
    const chunk = "x".repeat(1000);
    for (let round = 0; round < 4; round++) {
      for (let n = 0; n < 100; n++) texts.push(chunk);
      const next = values(quick);
      hints.streamed?.(["run_1"]);
      expect(await next).toHaveLength(100);
    }
    let seen = 0;
    while (seen < 401) seen += (await values(slow, 50_000)).length;
    expect(slow.next).toBe(401);
  });

  it("find what no hint told of at the next look, and the run's end by its change", async () => {
    const { feeds, texts, state, hints, open, values } = world();
    const reading = await open();
    const first = values(reading);
    texts.push("1");
    await feeds.lookAtAll();
    expect(await first).toEqual(["1"]);
    const last = reading.read(1000);
    state.isEnded = true;
    hints.touched?.(1, ["run_1"]);
    expect(await last).toEqual({ chunks: [], isEnded: true });
  });

  it("wait no longer than their signal, nor than the platform lives", async () => {
    const { feeds, open } = world();
    const reading = await open();
    const over = new AbortController();
    const waiting = reading.read(1000, over.signal);
    over.abort();
    expect(await waiting).toEqual({ chunks: [], isEnded: false });
    const second = reading.read(1000);
    feeds.close();
    expect(await second).toEqual({ chunks: [], isEnded: false });
  });

  it("leave nothing behind when the last has gone", async () => {
    const { feeds, open, watches } = world();
    const [one, two] = [await open(), await open()];
    expect([feeds.size, watches()]).toEqual([1, 1]);
    one.close();
    one.close();
    expect(feeds.size).toBe(1);
    two.close();
    expect([feeds.size, watches()]).toEqual([0, 0]);
  });

  it("hear of a run that is not there, and of a store that is away, at once", async () => {
    const { feeds, state } = world();
    state.isKnown = false;
    expect(await feeds.open(REF, "run_1", 0)).toBeUndefined();
    state.failure = new Error("away");
    await expect(feeds.open(REF, "run_1", 0)).rejects.toThrow("away");
    expect(feeds.size).toBe(0);
  });

  it("stay through a store that is away for a while", async () => {
    const { feeds, texts, state, open, values } = world();
    const reading = await open();
    const next = values(reading);
    state.failure = new Error("away");
    texts.push("1");
    await feeds.lookAtAll();
    state.failure = undefined;
    await feeds.lookAtAll();
    expect(await next).toEqual(["1"]);
  });
});
