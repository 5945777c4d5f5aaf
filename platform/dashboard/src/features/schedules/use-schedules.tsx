import { insightsApi, scheduleApi } from "@gantry/sdk";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { RunLink } from "../../layout/place-link.tsx";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";
import type { WantedSchedule } from "./schedule-form-state.ts";

const SCHEDULES_PER_PAGE = 50;

function useSchedulesApi() {
  const { api, key } = useEnvironment();
  return useMemo(() => ({ schedules: scheduleApi(api), insights: insightsApi(api), api, key }), [api, key]);
}

export function useSchedules(page: number) {
  const { schedules, key } = useSchedulesApi();
  return useQuery({
    queryKey: key("schedules", "list", page),
    queryFn: async () => {
      const found = await schedules.list({ page, perPage: SCHEDULES_PER_PAGE });
      return { schedules: found.data, hasNext: found.hasNextPage() };
    },
    refetchInterval: POLL.normal,
    placeholderData: keepPreviousData,
  });
}

/** The newest five runs of a schedule. */
export function useScheduleRuns(id: string) {
  const { api, key } = useSchedulesApi();
  return useQuery({
    queryKey: key("schedules", "runs", id),
    queryFn: async () => (await api.listRuns({ schedule: id, limit: 5 })).data,
    refetchInterval: POLL.fast,
  });
}

/** Ids of tasks that `schedules.task()` defines: those that a schedule can be made for. */
export function useScheduledTasks() {
  const { insights, key } = useSchedulesApi();
  return useQuery({
    queryKey: key("tasks", "scheduled"),
    queryFn: async () => {
      const ids: string[] = [];
      for await (const task of insights.listTasks({ limit: 100, period: "1h" })) {
        if (task.kind === "SCHEDULED") ids.push(task.id);
      }
      return ids;
    },
  });
}

export function useScheduleActions() {
  const { schedules, key } = useSchedulesApi();
  const stale = [key("schedules")];
  const setActive = useAction({
    run: ({ id, active }: { id: string; task: string; active: boolean }) =>
      active ? schedules.activate(id) : schedules.deactivate(id),
    done: (_schedule, { task, active }) => `The schedule of ${task} ${active ? "is active" : "is paused"}`,
    failed: "The schedule was not changed",
    stale,
  });
  const runNow = useAction({
    run: ({ id }: { id: string }) => schedules.run(id),
    done: ({ id }) => (
      <>
        Started: <RunLink runId={id} />
      </>
    ),
    failed: "No run was started",
    stale,
  });
  const remove = useAction({
    run: ({ id }: { id: string; task: string }) => schedules.del(id),
    done: (_nothing, { task }) => `The schedule of ${task} is deleted`,
    stale,
  });
  return { setActive, runNow, remove };
}

/** `id` undefined: a new one. */
export function useSaveSchedule() {
  const { schedules, key } = useSchedulesApi();
  return useAction({
    run: ({ id, wanted }: { id: string | undefined; wanted: WantedSchedule & { deduplicationKey: string } }) => {
      const { deduplicationKey, ...rest } = wanted;
      return id === undefined ? schedules.create({ ...rest, deduplicationKey }) : schedules.update(id, rest);
    },
    done: (schedule) => `${schedule.task} is scheduled`,
    stale: [key("schedules")],
  });
}
