import { insightsApi } from "@gantry/sdk";
import { FAILED_RUN_STATUSES } from "@gantry/sdk/contract";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { POLL } from "../../queries/polling.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

export function useBatches({ after, before }: { after?: string | undefined; before?: string | undefined }) {
  const { api, key } = useEnvironment();
  const insights = useMemo(() => insightsApi(api), [api]);
  return useQuery({
    queryKey: key("batches", "list", after, before),
    queryFn: async () => {
      const page = await insights.listBatches({ limit: 50, after, before });
      return { batches: page.data, hasNext: page.hasNextPage(), hasPrevious: page.hasPreviousPage() };
    },
    refetchInterval: POLL.fast,
    placeholderData: keepPreviousData,
  });
}

/** A batch, and how many of its runs have which status. */
export function useBatch(id: string) {
  const { api, key } = useEnvironment();
  const insights = useMemo(() => insightsApi(api), [api]);
  return useQuery({
    queryKey: key("batches", "one", id),
    queryFn: async () => {
      const [batch, counts] = await Promise.all([api.retrieveBatch(id), insights.countRuns({ batch: id })]);
      return { batch, counts };
    },
    refetchInterval: POLL.fast,
  });
}

/** The newest of a batch's runs, and the newest that failed. */
export function useBatchRuns(id: string) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("batches", "runs", id),
    queryFn: async () => {
      const [failed, newest] = await Promise.all([
        api.listRuns({ batch: id, limit: 50, status: [...FAILED_RUN_STATUSES] }),
        api.listRuns({ batch: id, limit: 50 }),
      ]);
      return { failed: failed.data, newest: newest.data };
    },
    refetchInterval: POLL.fast,
  });
}
