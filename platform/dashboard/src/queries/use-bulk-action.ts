import { insightsApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useEnvironment } from "../session/session-provider.tsx";

const LOOK_EVERY_MS = 700;

/** How far a bulk action has come; looked at until it is over. */
export function useBulkAction(id: string) {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("bulk-action", id),
    queryFn: () => insightsApi(api).retrieveBulkAction(id),
    refetchInterval: ({ state }) =>
      state.data === undefined || state.data.status === "PENDING" ? LOOK_EVERY_MS : false,
  });
}
