import { useQueries } from "@tanstack/react-query";
import { useEnvironment } from "../../../session/session-provider.tsx";
import { fetchJournal, fetchRun } from "../use-run.ts";
import type { TimelineSource } from "./timeline-span.ts";

/** Other runs that are opened in a timeline, as far as they have come; followed while they go on. */
export function useChildSources(runIds: readonly string[]): ReadonlyMap<string, TimelineSource> {
  const { api, key } = useEnvironment();
  return useQueries({
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
    combine: gathered,
  });
}

/** Named, so that it is the same function each time: what it makes is kept while the queries stay as they are. */
function gathered(results: { data: TimelineSource | undefined }[]): ReadonlyMap<string, TimelineSource> {
  return new Map(results.flatMap(({ data }) => (data === undefined ? [] : [[data.run.id, data] as const])));
}
