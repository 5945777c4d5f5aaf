import type { TokenStatus } from "@gantry/sdk/contract";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

export interface TokenListFilter {
  status?: TokenStatus | undefined;
  tag?: string | undefined;
  after?: string | undefined;
  before?: string | undefined;
}

export function useTokens({ status, tag, after, before }: TokenListFilter) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("tokens", "list", status, tag, after, before),
    queryFn: async () => {
      const page = await api.listTokens({ limit: 50, status, tags: tag, after, before });
      return { tokens: page.data, hasNext: page.hasNextPage(), hasPrevious: page.hasPreviousPage() };
    },
    refetchInterval: POLL.normal,
    placeholderData: keepPreviousData,
  });
}

export function useToken(id: string) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("tokens", "one", id),
    queryFn: () => api.retrieveToken(id),
    refetchInterval: (query) => (query.state.data?.status === "WAITING" ? POLL.fast : false),
  });
}

export function useCompleteToken(id: string) {
  const { api, key } = useEnvironment();
  return useAction({
    run: (data: unknown) => api.completeToken(id, data === undefined ? {} : { data }),
    done: ({ isFirst, status }) =>
      isFirst ? "The token is complete; what waited goes on" : `It had ended before: ${status}. Nothing was changed`,
    stale: [key("tokens")],
  });
}
