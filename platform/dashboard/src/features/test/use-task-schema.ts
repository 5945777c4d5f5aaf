import { insightsApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useEnvironment } from "../../session/session-provider.tsx";

/** A task of the current version with its declaration and, where its library gives one, its payload's JSON schema. */
export function useTask(taskId: string | undefined) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("task", taskId),
    enabled: taskId !== undefined && taskId !== "",
    staleTime: 30_000,
    queryFn: () => insightsApi(api).retrieveTask(taskId ?? ""),
  });
}

/** The JSON schema of a task's payload; undefined where there is none, or the current version has no such task. */
export function useTaskSchema(taskId: string): unknown {
  return useTask(taskId).data?.payloadSchema;
}
