import type { TaskListReply } from "@gantry/sdk/contract";
import { useQuery } from "@tanstack/react-query";
import { useEnvironment } from "../session/session-provider.tsx";

/** Ids of the tasks of the current version, up to a hundred. */
export function useTaskIds(): { ids: string[]; isLoading: boolean } {
  const { api, key } = useEnvironment();
  const { data, isLoading } = useQuery({
    queryKey: key("task-ids"),
    queryFn: async ({ signal }) => {
      const query = { "page[size]": 100, period: "1h" };
      const request = { method: "GET", path: "/api/v1/tasks", query, repeatable: "always" } as const;
      return (await api.request<TaskListReply>(request, { signal })).data.data.map(({ id }) => id);
    },
    staleTime: 60_000,
  });
  return { ids: data ?? [], isLoading };
}
