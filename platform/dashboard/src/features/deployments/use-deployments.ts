import type { BuildLineItem } from "@gantry/sdk";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

export function useDeployments(after?: string) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("deployments", "list", after),
    queryFn: async () => {
      const page = await api.listDeployments({ limit: 25, after });
      return { deployments: page.data, hasNext: page.hasNextPage() };
    },
    refetchInterval: POLL.normal,
    placeholderData: keepPreviousData,
  });
}

export function useDeployment(version: string | undefined) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("deployments", "one", version),
    queryFn: () => api.retrieveDeployment(version ?? ""),
    enabled: version !== undefined,
    refetchInterval: POLL.slow,
  });
}

export function useBuilds(version?: string) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("builds", "list", version),
    queryFn: () => api.listBuilds({ version, limit: 20 }),
    refetchInterval: POLL.normal,
  });
}

/** A build with all that it has said. Lines that are there already are not asked for again. */
export function useBuildLog(buildId: string) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("builds", "log", buildId),
    queryFn: async ({ client, queryKey }) => {
      const known = client.getQueryData<{ lines: BuildLineItem[] }>(queryKey);
      const lines = [...(known?.lines ?? [])];
      for (;;) {
        const page = await api.buildLines(buildId, lines.length);
        lines.push(...page.lines);
        if (page.lines.length === 0 || page.next <= lines.length - page.lines.length)
          return { build: page.build, lines };
      }
    },
    refetchInterval: ({ state }) =>
      state.data === undefined || state.data.build.status === "BUILDING" ? 1_000 : false,
  });
}

export function usePromote() {
  const { api, key } = useEnvironment();
  return useAction({
    run: (version: string) => api.promoteDeployment(version),
    done: ({ version }) => `${version} is in service`,
    stale: [key("deployments"), key("tasks"), key("schedules"), key("queues")],
  });
}
