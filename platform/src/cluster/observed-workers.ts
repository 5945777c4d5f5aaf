import { encodeId } from "../ids.ts";
import type { FinalRunStatus } from "../runs/run.ts";
import type { LiveExecution, RunForDecision } from "../runs/run-store.ts";
import type { Completions, CompletionsDeps } from "./completions.ts";
import { startBackOffMs } from "./launch-policy.ts";
import { loseExecution, lostAttempt } from "./lost-executions.ts";
import type { WorkerObservation, WorkerObservations } from "./worker-observations.ts";

type Observed<Then extends WorkerObservation["then"]> = Extract<WorkerObservation, { then: Then }>;

export interface ObservedWorkersDeps extends CompletionsDeps {
  completions: Completions;
}

/** Carries out what an executor has seen of its workers; see WorkerObservations. Every write is guarded by the fence. */
export function createWorkerObservations(deps: ObservedWorkersDeps): WorkerObservations {
  const { store } = deps;
  return {
    liveAmong: (executionIds) => store.liveAmong(executionIds),
    async observed(executionId, observation) {
      const execution = await store.executionById(executionId);
      if (execution === undefined) return;
      if (observation.then === "wait") return void (await store.noteHold(execution, observation));
      const run = await store.runForDecision(execution.environmentId, execution);
      if (run === undefined) return;
      await carryOut(deps, execution, run, observation);
      deps.tellWorker(executionId, "drop", observation.code);
      deps.logger.warn(
        { runId: encodeId("run", execution.runId), code: observation.code, then: observation.then },
        observation.message,
      );
    },
  };
}

async function carryOut(
  deps: ObservedWorkersDeps,
  execution: LiveExecution,
  run: RunForDecision,
  observation: Exclude<WorkerObservation, { then: "wait" }>,
): Promise<void> {
  switch (observation.then) {
    case "requeue":
      if (observation.code === "NO_NODE_RESTORES" && run.stored !== undefined)
        return notRestored(deps, execution, run, observation);
      // A worker that has come was not given up before its start: it is lost.
      return execution.isStarted ? lose(deps, execution, run, observation) : requeue(deps, execution, run, observation);
    case "fail":
      return end(deps, execution, run, "SYSTEM_FAILURE", observation.code, observation.message);
    case "lose":
      return lose(deps, execution, run, observation);
    case "crash":
      // No user code had run: it is not the task's doing.
      return execution.isStarted ? crash(deps, execution, run, observation) : lose(deps, execution, run, observation);
  }
}

async function requeue(
  { store, announcements, random }: ObservedWorkersDeps,
  execution: LiveExecution,
  run: RunForDecision,
  { code, message }: Pick<WorkerObservation, "code" | "message">,
): Promise<void> {
  const put = await store.requeue({
    environmentId: run.environmentId,
    runId: run.runId,
    execution,
    delayMs: startBackOffMs(execution.startFailures, random()),
    nextAttempt: run.attempt,
    computeMs: 0,
    lost: false,
    deferred: false,
    startFailure: { code, message },
    // Switched off for now: what can do without its stored process does, and what cannot waits.
    dropsCheckpoint: code === "CHECKPOINTS_OFF" && run.stored !== undefined && run.stored.then !== "fail",
  });
  if (put !== "fenced") announcements.announce([put.announcement]);
}

async function notRestored(
  { completions }: ObservedWorkersDeps,
  execution: LiveExecution,
  run: RunForDecision,
  { message }: Pick<WorkerObservation, "message">,
): Promise<void> {
  await completions.endedOutside(run, execution, { kind: "notRestored", reason: message.slice(0, 1000) });
}

async function lose(
  deps: ObservedWorkersDeps,
  execution: LiveExecution,
  run: RunForDecision,
  { code, message }: Pick<WorkerObservation, "code" | "message">,
): Promise<void> {
  // One that is lost before it starts may be lost again and again: a pause keeps that from using up the cap at once.
  const delayMs = execution.isStarted ? undefined : startBackOffMs(execution.startFailures, deps.random());
  await loseExecution(deps, execution, run, {
    code,
    message,
    isStartFailure: true,
    ...(delayMs === undefined ? {} : { delayMs }),
  });
}

async function crash(
  { completions }: ObservedWorkersDeps,
  execution: LiveExecution,
  run: RunForDecision,
  { code, message, exitCode }: Observed<"crash">,
): Promise<void> {
  await completions.endedOutside(run, execution, {
    kind: "crashed",
    reason: code === "OOM_KILLED" ? "OUT_OF_MEMORY" : "EXIT",
    error: { name: "WorkerCrashed", code, message },
    ...(exitCode === undefined ? {} : { exitCode }),
  });
}

async function end(
  { store, announcements }: ObservedWorkersDeps,
  execution: LiveExecution,
  run: RunForDecision,
  status: FinalRunStatus,
  code: string,
  message: string,
): Promise<void> {
  const finished = await store.finish([
    {
      environmentId: run.environmentId,
      runId: run.runId,
      execution,
      mayBeHeld: run.held !== undefined,
      status,
      error: { name: "WorkerUnavailable", code, message },
      attempt: lostAttempt(run, { code, message }),
      failureHook: status === "SYSTEM_FAILURE",
    },
  ]);
  announcements.announce(finished.map((one) => one.announcement));
}
