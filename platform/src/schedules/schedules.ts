import type { Limits } from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import type { DeploymentCatalog } from "../deployments/deployment-catalog.ts";
import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";
import { decodeId, newUuid } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { RunService } from "../runs/run-service.ts";
import { duePayload } from "./due-payload-policy.ts";
import { nextDue } from "./next-due-policy.ts";
import { parseRunKey, runKey } from "./run-key-ref.ts";
import type { Schedule } from "./schedule.ts";
import { timingOf } from "./schedule-defaults-policy.ts";
import type { ScheduleService } from "./schedule-service.ts";
import type { ScheduleStore } from "./schedule-store.ts";

export interface SchedulesDeps {
  store: ScheduleStore;
  runs: Pick<RunService, "trigger">;
  catalog: Pick<DeploymentCatalog, "current">;
  limits(environment: EnvironmentRef): Promise<Limits>;
  clock: Clock;
  /** The loop may be waiting for something later than what is due now. */
  onChange(environment: EnvironmentRef): void;
}

/** See ScheduleService. */
export function createScheduleService(deps: SchedulesDeps): ScheduleService {
  const { store, clock, onChange } = deps;
  const retrieve = async (environment: EnvironmentRef, id: string) => {
    const uuid = decodeId("sched", id);
    return uuid === undefined ? undefined : store.retrieve(environment.id, uuid);
  };
  const demand = async (environment: EnvironmentRef, id: string) => found(id, await retrieve(environment, id));
  return {
    async create(environment, { taskId, externalId, deduplicationKey, ...wanted }) {
      await demandScheduledTask(deps, environment, taskId);
      const timing = timingOf(wanted, environment);
      const schedule = {
        id: newUuid(),
        environmentId: environment.id,
        taskId,
        externalId,
        deduplicationKey,
        ...timing,
      };
      const { schedules: max } = await deps.limits(environment);
      const saved = await store.save(schedule, (id) => nextDue({ ...schedule, id }, clock.now()), max);
      if (saved === undefined) throw tooMany(max);
      onChange(environment);
      return saved;
    },
    async update(environment, id, { taskId, externalId, ...wanted }) {
      const before = imperative(await demand(environment, id));
      await demandScheduledTask(deps, environment, taskId);
      const timing = timingOf(wanted, environment);
      const schedule = { id: before.id, environmentId: environment.id, taskId, externalId, ...timing };
      const changed = found(id, await store.change(schedule, () => nextDue(schedule, clock.now())));
      onChange(environment);
      return changed;
    },
    retrieve,
    list: (environment, page) => store.list(environment.id, page),
    async remove(environment, id) {
      const schedule = imperative(await demand(environment, id));
      if (!(await store.remove(environment.id, schedule.id))) throw notFound(id);
    },
    async setPaused(environment, id, paused) {
      const schedule = await demand(environment, id);
      // Without catching up it begins anew: also what came due a moment ago is over.
      const next = schedule.catchUp === "none" && !paused ? nextDue(schedule, clock.now()) : undefined;
      const changed = found(id, await store.setPaused(environment.id, schedule.id, paused, next));
      onChange(environment);
      return changed;
    },
    async runNow(environment, id) {
      const schedule = await demand(environment, id);
      const dueAt = clock.now();
      const request = {
        taskId: schedule.taskId,
        payload: duePayload(schedule, dueAt, schedule.lastDueAt),
        idempotencyKey: runKey(schedule.id, dueAt),
      };
      const [result] = await deps.runs.trigger(environment, [request]);
      if (result === undefined || result instanceof AppError) throw result ?? new Error("a trigger had no answer");
      await store.recordRun(schedule, dueAt, decodeId("run", result.runId) as string);
      return result.runId;
    },
    async ofRun(environment, idempotencyKey) {
      const from = parseRunKey(idempotencyKey);
      const schedule = from === undefined ? undefined : await store.retrieve(environment.id, from.scheduleId);
      return schedule === undefined || from === undefined ? undefined : { schedule, dueAt: new Date(from.dueAt) };
    },
  };
}

function found(id: string, schedule: Schedule | undefined): Schedule {
  if (schedule === undefined) throw notFound(id);
  return schedule;
}

const notFound = (id: string) => new AppError("SCHEDULE_NOT_FOUND", `There is no schedule "${id.slice(0, 64)}".`);

function imperative(schedule: Schedule): Schedule {
  if (schedule.kind === "IMPERATIVE") return schedule;
  throw new AppError("SCHEDULE_DECLARED", `The code of the task "${schedule.taskId}" declares this schedule.`);
}

function tooMany(max: number): AppError {
  return new AppError("TOO_MANY_SCHEDULES", `The environment has ${max} schedules, as many as it may (schedules).`, {
    details: { limit: "schedules", max },
  });
}

/** Without any version nothing is known yet: its runs wait for one. */
async function demandScheduledTask(
  { catalog }: SchedulesDeps,
  environment: EnvironmentRef,
  taskId: string,
): Promise<void> {
  const current = await catalog.current(environment.id);
  if (current === undefined) return;
  const task = current.tasks.get(taskId);
  if (task === undefined) {
    const like = didYouMean(taskId, current.tasks.keys());
    const hint = like === undefined ? "" : ` Did you mean "${like}"?`;
    throw new AppError("TASK_NOT_FOUND", `Version ${current.version} has no task "${taskId}".${hint}`, {
      details: { taskId, version: current.version, ...(like === undefined ? {} : { didYouMean: like }) },
    });
  }
  if (task.declaration.kind === "SCHEDULED") return;
  throw new AppError("TASK_NOT_SCHEDULED", `"${taskId}" is no scheduled task: its payload would not be a schedule's.`, {
    details: { taskId },
  });
}
