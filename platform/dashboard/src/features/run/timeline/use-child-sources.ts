import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";
import { useEnvironment } from "../../../session/session-provider.tsx";
import { fetchJournal, fetchRun } from "../use-run.ts";
import type { TimelineSource } from "./timeline-span.ts";

/** Other runs that are opened in a timeline, as far as they have come; followed while they go on. */
export function useChildSources(runIds: readonly string[]): {
  loaded: ReadonlyMap<string, TimelineSource>;
  loading: ReadonlySet<string>;
} {
  const { api, key } = useEnvironment();
  const results = useQueries({
    queries: runIds.map((runId) => ({
      queryKey: key("run-source", runId),
      queryFn: async ({ signal }: { signal: AbortSignal }): Promise<TimelineSource> => {
        const [run, journal] = await Promise.all([
          fetchRun(api, runId, signal),
          fetchJournal(api, runId, undefined, signal),
        ]);
        return { run, journal, events: [] };
      },
      refetchInterval: ({ state }: { state: { data: TimelineSource | undefined } }) =>
        state.data?.run.isCompleted === false ? 2_000 : (false as const),
    })),
  });
  const sources = results.map(({ data }) => data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: as many as there are, in their order.
  return useMemo(() => {
    const loaded = new Map(
      sources.flatMap((source) => (source === undefined ? [] : [[source.run.id, source] as const])),
    );
    return { loaded, loading: new Set(runIds.filter((id) => !loaded.has(id))) };
  }, [runIds.join(), ...sources]);
}
