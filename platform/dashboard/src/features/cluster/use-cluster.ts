import { insightsApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { POLL } from "../../queries/polling.ts";
import { useEnvironment } from "../../session/session-provider.tsx";

export function useCluster() {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("cluster"),
    queryFn: () => insightsApi(api).retrieveCluster(),
    refetchInterval: POLL.normal,
  });
}
