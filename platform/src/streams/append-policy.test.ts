import { describe, expect, test } from "vitest";
import { type AppendFacts, decideAppend } from "./append-policy.ts";
import type { Append } from "./stream.ts";

const LIMITS = { streamBytes: 20, streamChunkBytes: 8, streamsPerRun: 2 };
const STREAM = { chunks: 3, bytes: 9, isEnded: false, endedAttempt: undefined };

interface Case {
  facts?: Partial<AppendFacts>;
  append?: Partial<Append>;
  want: Record<string, unknown>;
}

const cases: Record<string, Case> = {
  "stores what is new": { want: { store: true, fresh: ["1", "2"], bytes: 4 } },
  "stores what begins a stream": { facts: { stream: undefined, streams: 1 }, want: { store: true, bytes: 4 } },
  "passes over what the producer has stored": {
    facts: { sequence: 1, again: ["1"] },
    want: { store: true, fresh: ["2"], bytes: 2 },
  },
  "stores nothing of an append that comes again whole": {
    facts: { sequence: 5, again: ["1", "2"] },
    want: { store: true, fresh: [], bytes: 0, opens: false },
  },
  "takes an append again whose stream has ended meanwhile": {
    facts: { sequence: 2, again: ["1", "2"], stream: { ...STREAM, isEnded: true } },
    append: { ends: true },
    want: { store: true, fresh: [] },
  },
  "refuses what differs from what is stored, and says where": {
    facts: { sequence: 2, again: ["1", "x"] },
    want: { store: false, code: "STREAM_DIVERGED", details: { sequence: 1 } },
  },
  "refuses chunks with a gap before them": { append: { sequence: 1 }, want: { store: false, code: "CONFLICT" } },
  "refuses chunks after the end": {
    facts: { stream: { ...STREAM, isEnded: true, endedAttempt: 1 } },
    append: { attempt: 1 },
    want: { store: false, code: "STREAM_ENDED" },
  },
  "opens a stream again for a later attempt than the one that ended it": {
    facts: { stream: { ...STREAM, isEnded: true, endedAttempt: 1 } },
    append: { attempt: 2 },
    want: { store: true, opens: true },
  },
  "opens no stream that somebody else than a run had ended": {
    facts: { stream: { ...STREAM, isEnded: true } },
    append: { attempt: 2 },
    want: { store: false, code: "STREAM_ENDED" },
  },
  "fills a stream to its limit": { facts: { stream: { ...STREAM, bytes: 16 } }, want: { store: true } },
  "refuses what is over the stream's limit": {
    facts: { stream: { ...STREAM, bytes: 17 } },
    want: { store: false, code: "STREAM_LIMIT", details: { limit: "streamBytes", limitValue: 20, value: 21 } },
  },
  "refuses a chunk over its limit, in bytes": {
    append: { chunks: ['"äöü"ß'] },
    want: { store: false, details: { limit: "streamChunkBytes", limitValue: 8, value: 10 } },
  },
  "refuses a stream too many": {
    facts: { stream: undefined, streams: 2 },
    want: { store: false, details: { limit: "streamsPerRun", limitValue: 2, value: 3 } },
  },
};

describe("an append", () => {
  test.each(Object.entries(cases))("%s", (_title, { facts, append, want }) => {
    const known = { stream: STREAM, streams: 0, sequence: 0, again: [], ...facts };
    const request = { producer: "p", sequence: 0, chunks: ["1", "2"], ends: false, ...append };
    expect(decideAppend(known, request, LIMITS)).toMatchObject(want);
  });
});
