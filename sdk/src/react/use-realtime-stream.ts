import { useEffect, useMemo, useRef } from "react";
import {
  StreamObserver,
  type StreamPart,
  type StreamReference,
  type StreamSnapshot,
} from "../client/realtime/index.ts";
import { type LiveInstance, liveInstance, useObserver } from "./use-observer.ts";
import { type UseRealtimeOptions, useRunAccess } from "./use-realtime-run.ts";

/** A stream as `streams.define` makes it, as far as a reader needs it. */
export interface DefinedStream<TPart> {
  id: string;
  /** Carries the type of its chunks; nothing of it exists at run time. */
  readonly __part?: TPart;
}
export type InferPart<TStream> = TStream extends { read(...args: never[]): Promise<AsyncIterable<infer TPart>> }
  ? TPart
  : TStream extends DefinedStream<infer TPart>
    ? TPart
    : never;

/** A part as Trigger.dev's hooks hand it out. */
export interface StreamEvent<TPart> {
  id: string;
  chunk: TPart;
  timestamp: number;
}

export interface UseRealtimeStreamOptions<TPart> extends UseRealtimeOptions {
  /** Index of the first chunk wanted. Default 0. */
  startIndex?: number | undefined;
  /** Goes on after this chunk: `lastEventId` of an earlier result. Goes before `startIndex` and `from`. */
  lastEventId?: string | number | undefined;
  /** `latest`: only what comes from now on. Default `beginning`. */
  from?: "beginning" | "latest" | undefined;
  /** Keeps so many parts, the newest. Default: all. */
  maxParts?: number | undefined;
  /** Accepted for Trigger.dev's sake: a stream is read until it ends. */
  timeoutInSeconds?: number | undefined;
  /** Called for each part, in order. */
  onData?: ((data: TPart) => void) | undefined;
  /** Called with the parts that came since the last call. */
  onParts?: ((parts: StreamEvent<TPart>[]) => void) | undefined;
}

export interface UseRealtimeStreamInstance<TPart> extends LiveInstance {
  parts: readonly TPart[];
  /** Index of the last part seen; give it back as `lastEventId` to go on there after a reload. */
  lastEventId: string | undefined;
  /** The stream has ended: no part will follow. */
  isEnded: boolean;
}

const IDLE: StreamSnapshot<never> = {
  parts: [],
  nextIndex: undefined,
  isEnded: false,
  error: undefined,
  connection: "connecting",
  connectionReason: "STARTING",
};

/** A stream of a run, from its beginning, as it grows. */
export function useRealtimeStream<TStream extends DefinedStream<unknown>>(
  stream: TStream,
  runId: string | undefined,
  options?: UseRealtimeStreamOptions<InferPart<TStream>>,
): UseRealtimeStreamInstance<InferPart<TStream>>;
export function useRealtimeStream<TPart>(
  runId: string | undefined,
  stream: string,
  options?: UseRealtimeStreamOptions<TPart>,
): UseRealtimeStreamInstance<TPart>;
export function useRealtimeStream<TPart>(
  runId: string | undefined,
  options?: UseRealtimeStreamOptions<TPart>,
): UseRealtimeStreamInstance<TPart>;
export function useRealtimeStream(
  first: DefinedStream<unknown> | string | undefined,
  second?: string | UseRealtimeStreamOptions<unknown>,
  third?: UseRealtimeStreamOptions<unknown>,
): UseRealtimeStreamInstance<unknown> {
  const options = typeof second === "object" ? second : third;
  const named = typeof second === "object" ? undefined : second;
  return useStream(
    typeof first === "object" ? { runId: named, stream: first.id } : { runId: first, stream: named ?? "default" },
    options,
  );
}

function useStream<TPart>(
  { runId, stream }: Omit<StreamReference, "runId"> & { runId: string | undefined },
  options: UseRealtimeStreamOptions<TPart> = {},
): UseRealtimeStreamInstance<TPart> {
  const access = useRunAccess(runId, options);
  const { maxParts } = options;
  const from = startOf(options);
  const observer = useMemo(() => {
    if (!access.ok || runId === undefined) return undefined;
    return new StreamObserver<TPart>({ runId, stream }, { ...access.options, from, maxParts });
    // Where it starts is of interest at the start only: `lastEventId` changes with each part.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [access, runId, stream, maxParts]);
  const snapshot = useObserver(observer, IDLE as StreamSnapshot<TPart>);
  const { parts, nextIndex, isEnded } = snapshot;
  usePartsSince(observer, parts, options);
  const values = useMemo(() => parts.map(({ chunk }) => chunk), [parts]);
  return {
    parts: values,
    lastEventId: nextIndex === undefined ? undefined : String(nextIndex - 1),
    isEnded,
    ...liveInstance(snapshot, access, observer),
  };
}

function startOf({ startIndex, lastEventId, from }: UseRealtimeStreamOptions<never>): number | "latest" {
  if (lastEventId !== undefined) return Number(lastEventId) + 1;
  return startIndex ?? (from === "latest" ? "latest" : 0);
}

/** Tells the callbacks of each part once. */
function usePartsSince<TPart>(
  observer: object | undefined,
  parts: readonly StreamPart<TPart>[],
  { onData, onParts }: UseRealtimeStreamOptions<TPart>,
): void {
  const told = useRef<{ observer: object | undefined; next: number }>({ observer: undefined, next: 0 });
  useEffect(() => {
    if (told.current.observer !== observer) told.current = { observer, next: 0 };
    const fresh = parts.filter(({ index }) => index >= told.current.next);
    const last = fresh.at(-1);
    if (last === undefined) return;
    told.current.next = last.index + 1;
    for (const { chunk } of fresh) onData?.(chunk);
    onParts?.(fresh.map(({ index, chunk, at }) => ({ id: String(index), chunk, timestamp: at.getTime() })));
  });
}
