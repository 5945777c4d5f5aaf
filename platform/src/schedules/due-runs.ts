import { AppError, ERRORS } from "../errors.ts";
import { decodeId, encodeId } from "../ids.ts";
import type { Logger } from "../logging.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { TriggerRequest } from "../runs/run.ts";
import type { RunService } from "../runs/run-service.ts";
import { isStillOwed } from "./catch-up-policy.ts";
import { duePayload } from "./due-payload-policy.ts";
import { dueOf } from "./next-due-policy.ts";
import { decideOverlap } from "./overlap-policy.ts";
import { runKey } from "./run-key-ref.ts";
import type { DueOutcome, PendingDue } from "./schedule.ts";
import type { PendingSchedule } from "./schedule-store.ts";

/** A due time that waits for a run before it looks this often whether it has ended. */
const LOOK_AGAIN_MS = 500;
/** A trigger that was refused for now: the queue is full, or the disk. */
const REFUSED_MS = 5_000;
/** A due time's key outlives every repetition by far. */
const KEY_TTL_MS = 30 * 24 * 3_600_000;

export interface DueRunsDeps {
  runs: Pick<RunService, "trigger" | "cancel">;
  environmentById(id: number): Promise<EnvironmentRef | undefined>;
  logger: Pick<Logger, "warn">;
}

interface Start {
  schedule: PendingSchedule;
  dueAt: number;
  request: TriggerRequest;
}

/** What becomes of pending due times: their overlap policy decides, then each environment's runs are triggered together. */
export async function workOffDues(
  deps: DueRunsDeps,
  schedules: PendingSchedule[],
  nowMs: number,
): Promise<DueOutcome[]> {
  const outcomes: DueOutcome[] = [];
  const starts = new Map<number, Start[]>();
  const cancels: [number, string][] = [];
  for (const schedule of schedules) {
    const owed = schedule.pending.filter((due) => isOwed(schedule, due, nowMs, outcomes));
    const { decisions, cancel } = decideOverlap(schedule.overlap, schedule.running.length > 0, owed);
    if (cancel) cancels.push(...schedule.running.map((runId): [number, string] => [schedule.environmentId, runId]));
    let { lastDueAt } = schedule;
    for (const decision of decisions) {
      const due = { scheduleId: schedule.id, dueAt: decision.dueAt };
      if (decision.do === "wait") outcomes.push({ ...due, state: "waiting", retryInMs: LOOK_AGAIN_MS });
      else if (decision.do === "skip") outcomes.push({ ...due, state: "skipped", reason: decision.reason });
      else {
        const ofEnvironment = starts.get(schedule.environmentId) ?? [];
        starts.set(schedule.environmentId, ofEnvironment);
        ofEnvironment.push({ schedule, dueAt: due.dueAt, request: requestOf(schedule, due.dueAt, lastDueAt) });
        lastDueAt = due.dueAt;
      }
    }
  }
  await Promise.all(cancels.map(([environmentId, runId]) => cancelRun(deps, environmentId, runId)));
  for (const [environmentId, batch] of starts) outcomes.push(...(await start(deps, environmentId, batch)));
  return outcomes;
}

/** What was taken before a pause and is too late after it is dropped. What waits for its turn waits as long as it takes. */
function isOwed(schedule: PendingSchedule, due: PendingDue, nowMs: number, outcomes: DueOutcome[]): boolean {
  if (due.state === "waiting" || isStillOwed(schedule, dueOf(schedule, due.dueAt).startAt, nowMs)) return true;
  outcomes.push({ scheduleId: schedule.id, dueAt: due.dueAt, state: "skipped", reason: "TOO_LATE" });
  return false;
}

function requestOf(schedule: PendingSchedule, dueAt: number, lastDueAt: number | undefined): TriggerRequest {
  return {
    taskId: schedule.taskId,
    payload: duePayload(schedule, dueAt, lastDueAt),
    idempotencyKey: runKey(schedule.id, dueAt),
    idempotencyKeyTtlMs: KEY_TTL_MS,
  };
}

async function cancelRun({ runs, environmentById }: DueRunsDeps, environmentId: number, runId: string): Promise<void> {
  const environment = await environmentById(environmentId);
  if (environment === undefined) return;
  await runs.cancel(environment, encodeId("run", runId), "The schedule's next run is due").catch((error: unknown) => {
    // It ended meanwhile.
    if (!(error instanceof AppError && error.code === "RUN_NOT_FOUND")) throw error;
  });
}

async function start(deps: DueRunsDeps, environmentId: number, batch: Start[]): Promise<DueOutcome[]> {
  const environment = await deps.environmentById(environmentId);
  if (environment === undefined) return [];
  const requests = batch.map(({ request }) => request);
  const results = await deps.runs.trigger(environment, requests).catch((error: unknown) => {
    if (error instanceof AppError) return batch.map(() => error);
    throw error;
  });
  return batch.map(({ schedule, dueAt }, index) => {
    const result = results[index];
    const due = { scheduleId: schedule.id, dueAt };
    if (result !== undefined && !(result instanceof AppError))
      return { ...due, state: "triggered", runId: decodeId("run", result.runId) as string };
    return refused(deps, due, result);
  });
}

function refused(
  { logger }: DueRunsDeps,
  due: { scheduleId: string; dueAt: number },
  error: AppError | undefined,
): DueOutcome {
  const scheduleId = encodeId("sched", due.scheduleId);
  const dueAt = new Date(due.dueAt).toISOString();
  const isForNow = error === undefined || ERRORS[error.code].retryable;
  logger.warn({ err: error, scheduleId, dueAt }, isForNow ? "a due run waits" : "a due run could not be triggered");
  if (isForNow) return { ...due, state: "claimed", retryInMs: REFUSED_MS };
  return { ...due, state: "failed", reason: `${error.code}: ${error.message}`.slice(0, 500) };
}
