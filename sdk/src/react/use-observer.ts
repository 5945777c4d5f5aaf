import { useCallback, useEffect, useRef, useSyncExternalStore } from "react";
import type { ConnectionReason, ConnectionState, LiveStatus } from "../client/realtime/index.ts";
import type { Access } from "./live-options.ts";

/** What is watched; LiveObserver is one. */
export interface Observable<S> {
  subscribe(listener: () => void): () => void;
  getSnapshot(): S;
  stop(): void;
}

/** What every live hook says beside its data. */
export interface LiveInstance {
  /** Set when the platform refused, or there is no token: nothing more will come. */
  error: Error | undefined;
  /** Ends the subscription; what is shown stays. */
  stop: () => void;
  /** `live`, or what stands in for it: `polling` shows the truth a little later, `connecting` shows what was known last. */
  connection: ConnectionState;
  connectionReason: ConnectionReason;
}

const nothing = () => () => undefined;

/**
 * The observer's snapshot. On the server, and for the first render in the browser, it is `idle`: what is rendered there is what is
 * hydrated. Without an observer it stays so.
 */
export function useObserver<S extends LiveStatus>(observer: Observable<S> | undefined, idle: S): S {
  const getIdle = useCallback(() => idle, [idle]);
  return useSyncExternalStore(observer?.subscribe ?? nothing, observer?.getSnapshot ?? getIdle, getIdle);
}

/** The common part of a hook's result. */
export function liveInstance(
  snapshot: LiveStatus,
  access: Access,
  observer: { stop(): void } | undefined,
): LiveInstance {
  const { connection, connectionReason, error } = snapshot;
  return {
    connection,
    connectionReason,
    error: error ?? (access.ok ? undefined : access.error),
    stop: observer?.stop ?? stopNothing,
  };
}

const stopNothing = () => undefined;

/** Calls back once for each observer, after the commit in which `isDone` is first true. */
export function useWhenDone(observer: object | undefined, isDone: boolean, callback: () => void): void {
  const told = useRef<object | undefined>(undefined);
  useEffect(() => {
    if (!isDone || observer === undefined || told.current === observer) return;
    told.current = observer;
    callback();
  });
}
