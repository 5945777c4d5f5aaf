import { type AttemptOutcome, type CompletionVerdict, DEFAULT_LIMITS, type RunnerMessage } from "@gantry/sdk/contract";
import type { CheckpointStore } from "../checkpoints/checkpoint-store.ts";
import { retryOf } from "../deployments/deployment-catalog.ts";
import { encodeId } from "../ids.ts";
import { type AttemptDecision, type AttemptReason, attemptRecord, decideAttempt } from "../runs/attempt-policy.ts";
import type { ExecutionRef, RunForDecision } from "../runs/run-store.ts";
import type { Assignment } from "./connected-workers.ts";
import type { DispatchDeps } from "./dispatch.ts";
import { grantOf } from "./grants.ts";
import { RecentVerdicts } from "./recent-verdicts.ts";
import type { WorkerLink } from "./worker-service.ts";

export interface CompletionsDeps extends DispatchDeps {
  checkpoints: DispatchDeps["checkpoints"] & Pick<CheckpointStore, "noteFailure">;
  /** A stored process was not brought back; what follows. */
  onNotRestored?(reason: AttemptReason): void;
  /** In [0, 1). */
  random(): number;
}

type Complete = Extract<RunnerMessage, { type: "complete" }>;
/** What is known of an attempt's end, whoever tells of it. */
type Ended = Pick<Complete, "executionId" | "fence" | "attempt" | "outcome" | "usage">;

/** What follows when a worker says that an attempt has ended. The same message gets the same verdict. */
export class Completions {
  readonly #deps: CompletionsDeps;
  readonly #verdicts = new RecentVerdicts();

  constructor(deps: CompletionsDeps) {
    this.#deps = deps;
  }

  async complete(link: WorkerLink, message: Complete): Promise<CompletionVerdict> {
    const key = `${message.executionId}/${message.id}`;
    const known = this.#verdicts.get(key);
    const given = known === undefined ? undefined : await known;
    if (given !== undefined) return given.kind === "retryInPlace" ? this.#grantAgain(link, message, given) : given;
    const verdict = this.#end(link, message);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  async #end(link: WorkerLink, message: Complete): Promise<CompletionVerdict> {
    const assignment = this.#deps.workers.assignment(message.executionId);
    if (assignment?.isHook) {
      await this.#deps.store.finishFailureHook(message.executionId);
      this.#deps.workers.release(message.executionId);
      return { kind: "done", status: message.outcome.kind };
    }
    if (message.outcome.kind === "completed" && assignment !== undefined && assignment.isParked !== true)
      return this.#succeed(link, message, assignment);
    const run = await this.#deps.store.runForDecision(link.environmentId, message);
    if (run === undefined) {
      // A hook that another platform, or this one before it was restarted, has given.
      if (await this.#deps.store.finishFailureHook(message.executionId))
        return { kind: "done", status: message.outcome.kind };
      return this.#fenced(message);
    }
    // A completion resent after its verdict was lost with a restart: the run has moved on to the next attempt.
    if (run.attempt !== message.attempt) return this.#again(link, message, run);
    return this.#decide(message, run, true);
  }

  #fenced(message: Pick<Complete, "executionId">): CompletionVerdict {
    this.#deps.workers.release(message.executionId);
    return { kind: "fenced" };
  }

  /** The common case needs no look at the run: the fence decides. */
  async #succeed(link: WorkerLink, message: Complete, assignment: Assignment): Promise<CompletionVerdict> {
    const run = { runId: assignment.runId, environmentId: link.environmentId };
    const decision: AttemptDecision = { then: "finish", status: "COMPLETED", reason: "SUCCEEDED", hook: false };
    return this.#finish(message, run, decision, assignment.startedAt);
  }

  /** An attempt ended with its worker, as seen from outside; no worker is left to go on in place. */
  async endedOutside(
    run: RunForDecision,
    execution: ExecutionRef,
    outcome: AttemptOutcome,
  ): Promise<CompletionVerdict> {
    const message: Ended = { ...execution, attempt: run.attempt, outcome, usage: { computeMs: 0 } };
    return this.#decide(message, run, false);
  }

  async #decide(message: Ended, run: RunForDecision, mayStay: boolean): Promise<CompletionVerdict> {
    const deployment = run.deploymentId === undefined ? undefined : await this.#deps.catalog.byId(run.deploymentId);
    const task = deployment?.tasks.get(run.taskId)?.declaration;
    const retry = deployment === undefined ? undefined : retryOf(deployment.manifest, task);
    const restoreFailures = await this.#noteNotRestored(run, message.outcome);
    const decision = decideAttempt({
      run,
      outcome: message.outcome,
      restoreFailures,
      retry,
      random: this.#deps.random(),
      lossCap: DEFAULT_LIMITS.platformLosses,
    });
    if (restoreFailures !== undefined) this.#deps.onNotRestored?.(decision.reason);
    const startedAt = run.attemptStartedAt?.getTime() ?? Date.now();
    if (decision.then === "finish") return this.#finish(message, run, decision, startedAt);
    if (decision.then === "suspend") return this.#suspend(message, run);
    const record = attemptRecord(message.attempt, message.outcome, startedAt, Date.now(), decision);
    // A run that waits has no slot to go on in.
    if (decision.then === "giveBack" || !decision.inPlace || !mayStay || run.held !== undefined) {
      return this.#putBack(message, run, decision, record);
    }
    const next = await this.#deps.store.retryInPlace({
      environmentId: run.environmentId,
      runId: run.runId,
      execution: message,
      fromAttempt: message.attempt,
      nextAttempt: decision.nextAttempt,
      attempt: record,
      computeMs: message.usage.computeMs,
      deferred: decision.deferred,
      delayMs: decision.delayMs,
      reopen: reopened(message),
    });
    const grant = next === undefined ? undefined : await grantOf(this.#deps, run.environmentId, next);
    if (grant === undefined) return this.#fenced(message);
    this.#deps.workers.nextAttempt(message.executionId, grant.attempt, Date.now() + decision.delayMs);
    return { kind: "retryInPlace", delayMs: decision.delayMs, grant };
  }

  /** How often its stored process could not be brought back; undefined where that is not what has happened. */
  async #noteNotRestored(run: RunForDecision, outcome: AttemptOutcome): Promise<number | undefined> {
    if (run.stored === undefined || (outcome.kind !== "notRestored" && outcome.kind !== "crashed")) return undefined;
    const node = outcome.kind === "notRestored" ? outcome.node : undefined;
    return this.#deps.checkpoints.noteFailure(run.environmentId, run.runId, node);
  }

  async #finish(
    message: Ended,
    run: { runId: string; environmentId: number; held?: RunForDecision["held"] },
    decision: Extract<AttemptDecision, { then: "finish" }>,
    startedAt: number,
  ): Promise<CompletionVerdict> {
    const { outcome } = message;
    const finished = await this.#deps.store.finish([
      {
        environmentId: run.environmentId,
        runId: run.runId,
        execution: message,
        mayBeHeld: run.held !== undefined,
        status: decision.status,
        output:
          outcome.kind === "completed" && outcome.output !== undefined
            ? { data: Buffer.from(outcome.output, "utf8"), type: outcome.outputType }
            : undefined,
        error: decision.error,
        attempt: attemptRecord(message.attempt, outcome, startedAt, Date.now(), decision),
        computeMs: message.usage.computeMs,
        failureHook: decision.hook,
      },
    ]);
    this.#deps.workers.release(message.executionId);
    if (finished.length === 0) return { kind: "fenced" };
    this.#deps.announcements.announce(finished.map((one) => one.announcement));
    return { kind: "done", status: decision.status };
  }

  async #putBack(
    message: Ended,
    run: RunForDecision,
    decision: Exclude<AttemptDecision, { then: "finish" | "suspend" }>,
    record: ReturnType<typeof attemptRecord>,
  ): Promise<CompletionVerdict> {
    const isRetry = decision.then === "retry";
    const put = await this.#deps.store.requeue({
      environmentId: run.environmentId,
      runId: run.runId,
      execution: message,
      delayMs: isRetry && decision.delayMs > 0 ? decision.delayMs : undefined,
      nextAttempt: isRetry ? decision.nextAttempt : run.attempt,
      attempt: record,
      computeMs: message.usage.computeMs,
      lost: !isRetry,
      deferred: isRetry && decision.deferred,
      machine: isRetry ? decision.machine : undefined,
      reopen: isRetry ? reopened(message) : undefined,
      dropsCheckpoint: isRetry || decision.dropsCheckpoint,
    });
    this.#deps.workers.release(message.executionId);
    if (put === "fenced") return { kind: "fenced" };
    this.#deps.announcements.announce([put.announcement]);
    return { kind: "done", status: put.status };
  }

  /** Its process has ended while it waited, and may be replaced: it waits on without one. */
  async #suspend(message: Ended, run: RunForDecision): Promise<CompletionVerdict> {
    const { environmentId, runId } = run;
    const { executionId, fence } = message;
    const suspended = await this.#deps.store.suspendLost({ executionId, fence, environmentId, runId });
    this.#deps.workers.release(message.executionId);
    if (suspended === "fenced") return { kind: "fenced" };
    this.#deps.announcements.announce([suspended]);
    return { kind: "done", status: "WAITING" };
  }

  /** The verdict was given before and may not have arrived: the same, with the run as it is now. */
  async #grantAgain(
    link: WorkerLink,
    message: Complete,
    given: { delayMs: number; runId: string },
  ): Promise<CompletionVerdict> {
    const next = await this.#deps.store.runOnWorker(link.environmentId, given.runId, message);
    const grant = next === undefined ? undefined : await grantOf(this.#deps, link.environmentId, next);
    return grant === undefined ? this.#fenced(message) : { kind: "retryInPlace", delayMs: given.delayMs, grant };
  }

  async #again(link: WorkerLink, message: Complete, run: RunForDecision): Promise<CompletionVerdict> {
    if (run.attempt !== message.attempt + 1) return this.#fenced(message);
    const now = new Date().toISOString();
    const next = await this.#deps.store.retryInPlace({
      environmentId: link.environmentId,
      runId: run.runId,
      execution: message,
      fromAttempt: message.attempt,
      nextAttempt: run.attempt,
      attempt: { number: message.attempt, startedAt: now, finishedAt: now, outcome: "FAILED" },
      computeMs: 0,
      deferred: false,
      delayMs: 0,
    });
    const grant = next === undefined ? undefined : await grantOf(this.#deps, link.environmentId, next);
    if (grant === undefined) return this.#fenced(message);
    this.#deps.logger.info({ runId: encodeId("run", run.runId) }, "a resent completion found its next attempt");
    return { kind: "retryInPlace", delayMs: 0, grant };
  }
}

/** Journal entries that the next attempt makes anew. */
function reopened({ outcome }: Pick<Complete, "outcome">): number[] | undefined {
  return outcome.kind === "failed" ? outcome.reopen : undefined;
}
