import type { Limits, StreamChunk } from "@gantry/sdk/contract";
import { decideAppend } from "../../src/streams/append-policy.ts";
import type { Append, Appended, StreamRef } from "../../src/streams/stream.ts";
import type { Refused, StreamStore } from "../../src/streams/stream-store.ts";

interface Kept {
  ref: StreamRef;
  chunks: StreamChunk[];
  producers: Map<string, string[]>;
  isEnded: boolean;
  createdAt: Date;
}

/** Streams in memory, for tests of the edge; what Postgres does is tested on Postgres. Waits are not given anything here. */
export function fakeStreamStore(deps: {
  guard: () => void;
  /** Undefined: there is no such run. */
  isLive(environmentId: number, runId: string): boolean | undefined;
}): StreamStore {
  const streams = new Map<string, Kept>();
  const keyOf = (ref: StreamRef) => [ref.environmentId, ref.runId, ref.direction, ref.name].join("/");
  const bytesOf = (chunks: StreamChunk[]) => chunks.reduce((sum, { data }) => sum + Buffer.byteLength(data) + 1, 0);
  const ofRun = (runId: string) => [...streams.values()].filter(({ ref }) => ref.runId === runId);

  const append = async (ref: StreamRef, request: Append, limits: Limits): Promise<Appended | Refused> => {
    deps.guard();
    if (deps.isLive(ref.environmentId, ref.runId) !== true) return { refused: "RUN_ENDED" as const };
    const known = streams.get(keyOf(ref));
    const stored = known?.producers.get(request.producer) ?? [];
    const facts = {
      stream: known && {
        chunks: known.chunks.length,
        bytes: bytesOf(known.chunks),
        isEnded: known.isEnded,
        endedAttempt: undefined,
      },
      streams: ofRun(ref.runId).filter(({ ref: each }) => each.direction === ref.direction).length,
      sequence: stored.length,
      again: stored.slice(request.sequence, request.sequence + request.chunks.length),
    };
    const decision = decideAppend(facts, request, limits);
    if (!decision.store) return { refused: decision };
    const kept: Kept = known ?? { ref, chunks: [], producers: new Map(), isEnded: false, createdAt: new Date() };
    streams.set(keyOf(ref), kept);
    kept.producers.set(request.producer, [...stored, ...decision.fresh]);
    for (const data of decision.fresh)
      kept.chunks.push({ index: kept.chunks.length, data, at: new Date().toISOString() });
    kept.isEnded ||= request.ends;
    return { next: kept.chunks.length, sequence: stored.length + decision.fresh.length, isEnded: kept.isEnded };
  };

  return {
    append,
    async send(stream, { id, chunk }, limits) {
      const result = await append(stream, { producer: id, sequence: 0, chunks: [chunk], ends: false }, limits);
      return "refused" in result ? result : { index: result.next - 1, isTaken: false };
    },
    async wait(stream, token) {
      deps.guard();
      const isLive = deps.isLive(stream.environmentId, stream.runId);
      return isLive === true ? { id: token.id, isCached: false } : { refused: "RUN_ENDED" };
    },
    async look(refs) {
      deps.guard();
      return refs.map((ref) => {
        const isLive = deps.isLive(ref.environmentId, ref.runId);
        if (isLive === undefined) return undefined;
        const known = streams.get(keyOf(ref));
        const isEnded = !isLive || known?.isEnded === true;
        return { streamId: known && keyOf(ref), next: known?.chunks.length ?? 0, isEnded };
      });
    },
    async read(streamId, from) {
      deps.guard();
      return streams.get(streamId)?.chunks.slice(from) ?? [];
    },
    async list(environmentId, runId) {
      deps.guard();
      const isLive = deps.isLive(environmentId, runId);
      if (isLive === undefined) return undefined;
      return ofRun(runId).map(({ ref, chunks, isEnded, createdAt }) => ({
        name: ref.name,
        direction: ref.direction,
        chunks: chunks.length,
        bytes: bytesOf(chunks),
        isEnded: isEnded || !isLive,
        createdAt,
        updatedAt: createdAt,
      }));
    },
  };
}
