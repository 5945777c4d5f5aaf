import type { QueueItem } from "@gantry/sdk";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";
import { useIsDevelopment } from "../../session/use-is-development.ts";

const QUEUES_PER_PAGE = 50;

interface QueuePage {
  queues: QueueItem[];
  hasNext: boolean;
}

export function useQueues(page: number) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("queues", "list", page),
    queryFn: async (): Promise<QueuePage> => {
      const found = await api.listQueues({ page, perPage: QUEUES_PER_PAGE });
      return { queues: found.data, hasNext: found.hasNextPage() };
    },
    refetchInterval: POLL.fast,
    placeholderData: keepPreviousData,
  });
}

/** How many runs may execute at once in the environment: what holds a queue without a limit of its own. */
export function useEnvironmentLimit(): number | undefined {
  const { api, key } = useEnvironment();
  const { data } = useQuery({ queryKey: key("limits"), queryFn: () => api.limits(), staleTime: 60_000 });
  const isDev = useIsDevelopment();
  return isDev ? data?.devConcurrency : data?.environmentConcurrency;
}

export function usePauseQueue() {
  const { api, key } = useEnvironment();
  return useAction({
    run: ({ id, action }: { id: string; name: string; action: "pause" | "resume" }) => api.pauseQueue(id, action),
    done: (_queue, { name, action }) => `${name} ${action === "pause" ? "is paused" : "goes on"}`,
    failed: "The queue was not changed",
    stale: [key("queues")],
  });
}

/** `limit` null: the declared one again. */
export function useQueueLimit() {
  const { api, key } = useEnvironment();
  return useAction({
    run: ({ id, limit }: { id: string; name: string; limit: number | null }) =>
      limit === null ? api.resetQueueConcurrencyLimit(id) : api.overrideQueueConcurrencyLimit(id, limit),
    done: (_queue, { name, limit }) =>
      limit === null ? `${name} has its declared limit` : `${name} has a limit of ${limit}`,
    stale: [key("queues")],
  });
}
