import { insightsApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";
import type { LimitName } from "./limit-facts.ts";

export function useUsage() {
  const { api, key } = useEnvironment();
  return useQuery({
    queryKey: key("limits", "usage"),
    queryFn: () => insightsApi(api).retrieveUsage(),
    refetchInterval: POLL.normal,
  });
}

export function useSetLimit() {
  const { api, key } = useEnvironment();
  return useAction({
    run: ({ name, value }: { name: LimitName; label: string; value: number }) => api.setLimits({ [name]: value }),
    done: (_limits, { label }) => `${label}: changed`,
    stale: [key("limits")],
  });
}

/** Stops, or resumes, admission in the whole environment. */
export function usePauseEnvironment() {
  const { api, key } = useEnvironment();
  return useAction({
    run: (paused: boolean) => api.pauseEnvironment(paused),
    done: (_reply, paused) => (paused ? "The environment is paused: nothing new starts" : "The environment goes on"),
    stale: [key("limits")],
  });
}
