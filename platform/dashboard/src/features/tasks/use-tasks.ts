import { insightsApi } from "@gantry/sdk";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { POLL } from "../../queries/polling.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

export const PERIODS = [
  { value: "1h", label: "1 hour" },
  { value: "24h", label: "24 hours" },
  { value: "7d", label: "7 days" },
  { value: "30d", label: "30 days" },
] as const;
export type Period = (typeof PERIODS)[number]["value"];

export function asPeriod(text: string | undefined): Period {
  return PERIODS.find(({ value }) => value === text)?.value ?? "24h";
}

function useInsights() {
  const { api, key } = useEnvironment();
  return useMemo(() => ({ insights: insightsApi(api), api, key }), [api, key]);
}

export function useTasks({ search, period, after }: { search: string; period: Period; after: string | undefined }) {
  const { insights, key } = useInsights();
  return useQuery({
    queryKey: key("tasks", "list", search, period, after),
    queryFn: async () => {
      const page = await insights.listTasks({ limit: 50, period, search: search === "" ? undefined : search, after });
      return { tasks: page.data, hasNext: page.hasNextPage() };
    },
    refetchInterval: POLL.normal,
    placeholderData: keepPreviousData,
  });
}

export function useTask(taskId: string, period: Period) {
  const { insights, key } = useInsights();
  return useQuery({
    queryKey: key("tasks", "one", taskId, period),
    queryFn: () => insights.retrieveTask(taskId, { period }),
    refetchInterval: POLL.normal,
    placeholderData: keepPreviousData,
  });
}

/** The task's newest runs. */
export function useTaskRuns(taskId: string) {
  const { api, key } = useInsights();
  return useQuery({
    queryKey: key("tasks", "runs", taskId),
    queryFn: async () => (await api.listRuns({ taskIdentifier: taskId, limit: 10 })).data,
    refetchInterval: POLL.fast,
  });
}
