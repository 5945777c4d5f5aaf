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

function useObserver(): RunsObserver {
  const observer = useContext(LiveContext);
  if (observer === undefined) throw new Error("This component needs a LiveEnvironmentProvider.");
  return observer;
}

/** The newest runs of the environment as they are now, and whether that is pushed, polled or old. */
export function useLiveRuns(): RunsSnapshot {
  const observer = useObserver();
  return useSyncExternalStore(observer.subscribe, observer.getSnapshot);
}

/** How what is shown is kept up to date. */
export function useLiveConnection(): ConnectionState {
  const observer = useObserver();
  return useSyncExternalStore(observer.subscribe, () => observer.getSnapshot().connection);
}
