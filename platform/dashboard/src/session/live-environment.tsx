import { type ConnectionState, RunsObserver, type RunsSnapshot } from "@gantry/sdk";
import { createContext, type ReactNode, useContext, useMemo, useSyncExternalStore } from "react";
import { useEnvironment } from "./session-provider.tsx";

const LiveContext = createContext<RunsObserver | undefined>(undefined);

/** So many of the environment's newest runs are watched. */
const WATCHED_RUNS = 100;

/** Watches the environment's runs for as long as a page does; all pages share one subscription. */
export function LiveEnvironmentProvider({ children }: { children: ReactNode }) {
  const { token } = useEnvironment();
  const observer = useMemo(
    () =>
      new RunsObserver(
        { kind: "environment", limit: WATCHED_RUNS },
        { baseUrl: location.origin, accessToken: token, throttleInMs: 150 },
      ),
    [token],
  );
  return <LiveContext value={observer}>{children}</LiveContext>;
}

/** Nobody waits longer than this for the socket, however busy the page is; milliseconds. */
const REST_WITHIN_MS = 1_000;
const subscribers = new WeakMap<RunsObserver, RunsObserver["subscribe"]>();

/** Subscribes when the browser is at rest: the page's own content comes before the socket's code. */
function subscribeAtRest(observer: RunsObserver): RunsObserver["subscribe"] {
  const known = subscribers.get(observer);
  if (known !== undefined) return known;
  const subscribe: RunsObserver["subscribe"] = (listener) => {
    let leave: (() => void) | undefined;
    const start = () => {
      leave = observer.subscribe(listener);
    };
    const cancel = atRest(start);
    return () => {
      cancel();
      leave?.();
    };
  };
  subscribers.set(observer, subscribe);
  return subscribe;
}

/** Safari knows no idle callbacks. */
function atRest(work: () => void): () => void {
  if (typeof requestIdleCallback !== "function") {
    const timer = setTimeout(work, REST_WITHIN_MS / 4);
    return () => clearTimeout(timer);
  }
  const handle = requestIdleCallback(work, { timeout: REST_WITHIN_MS });
  return () => cancelIdleCallback(handle);
}

function useObserver(): RunsObserver {
  const observer = useContext(LiveContext);
  if (observer === undefined) throw new Error("This component needs a LiveEnvironmentProvider.");
  return observer;
}

/** The newest runs of the environment as they are now, and whether that is pushed, polled or old. */
export function useLiveRuns(): RunsSnapshot {
  const observer = useObserver();
  return useSyncExternalStore(subscribeAtRest(observer), observer.getSnapshot);
}

/** How what is shown is kept up to date. */
export function useLiveConnection(): ConnectionState {
  const observer = useObserver();
  return useSyncExternalStore(subscribeAtRest(observer), () => observer.getSnapshot().connection);
}
