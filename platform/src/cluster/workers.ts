import {
  type CompletionVerdict,
  DEFAULT_LIMITS,
  type Limits,
  type MetadataOperation,
  type RunnerMessage,
} from "@gantry/sdk/contract";
import { retryOf } from "../deployments/deployment-catalog.ts";
import { decodeId, encodeId } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { type AttemptDecision, attemptRecord, decideAttempt } from "../runs/attempt-policy.ts";
import type { RunForDecision } from "../runs/run-store.ts";
import { metadataAfter } from "../runs/runs.ts";
import type { Assignment } from "./connected-workers.ts";
import type { Dispatch, DispatchDeps } from "./dispatch.ts";
import { grantOf } from "./grants.ts";
import type { HeartbeatFlush } from "./heartbeat-flush.ts";
import type { WorkerLink, WorkerService } from "./worker-service.ts";

export interface WorkersDeps extends DispatchDeps {
  dispatch: Dispatch;
  heartbeats: HeartbeatFlush;
  leaseTtlMs: number;
  limits(environment: EnvironmentRef): Promise<Limits>;
  random(): number;
}

type Complete = Extract<RunnerMessage, { type: "complete" }>;

/** What happens when a worker speaks; see WorkerService. */
export function createWorkerService(deps: WorkersDeps): WorkerService {
  const { store, workers, dispatch, announcements, heartbeats, logger } = deps;
  const verdicts = new RecentVerdicts();
  const report = (what: string) => (error: unknown) => logger.error({ err: error }, what);

  return {
    async hello(link, message) {
      const known =
        message.executions.length === 0 ? { alive: [] } : await store.heartbeat(message.executions, deps.leaseTtlMs);
      const alive = new Set(known.alive);
      workers.adopt(link);
      workers.add(link);
      const has = new Set(message.executions.map((execution) => execution.executionId));
      await Promise.all(workers.missing(link, has).map((lost) => takeBack(lost)));
      dispatch.expect(link.deploymentId);
      announcements.wake(link.environmentId);
      return { fenced: [...has].filter((executionId) => !alive.has(executionId)) };
    },

    capacity(link, free) {
      workers.setFree(link, free);
      void dispatch.start(link).catch(report("executions could not be started"));
      announcements.wake(link.environmentId);
    },

    started() {},

    heartbeat: (_link, message) => heartbeats.add(message.executions),

    async complete(link, message) {
      const key = `${message.executionId}/${message.id}`;
      const known = verdicts.get(key);
      const given = known === undefined ? undefined : await known;
      if (given !== undefined) return given.kind === "retryInPlace" ? grantAgain(link, message, given) : given;
      const verdict = completeAttempt(link, message);
      verdicts.set(key, verdict);
      return verdict;
    },

    async events(_link, message) {
      await store.appendEvents(message, message.batch, message.attempt, message.events);
    },

    async metadata(link, message) {
      const environment = await deps.environmentById(link.environmentId);
      if (environment === undefined) return;
      const limits = await deps.limits(environment);
      const after = (operations: MetadataOperation[] | undefined) =>
        operations?.length ? (current: string | undefined) => metadataAfter(current, operations, limits) : undefined;
      await store.applyMetadataBatch(message, {
        number: message.batch,
        own: (current) => metadataAfter(current, message.operations, limits),
        parent: after(message.parentOperations),
        root: after(message.rootOperations),
      });
    },

    disconnected(link) {
      workers.remove(link);
    },
  };

  /** A grant that the worker never got: the run is free for another, at nobody's cost. */
  async function takeBack(lost: Assignment): Promise<void> {
    workers.release(lost.executionId);
    if (lost.isHook) return store.releaseFailureHook(lost.executionId, 0);
    const now = new Date().toISOString();
    const put = await store.requeue({
      environmentId: lost.environmentId,
      runId: lost.runId,
      execution: lost,
      nextAttempt: lost.attempt,
      attempt: { number: lost.attempt, startedAt: now, finishedAt: now, outcome: "LOST" },
      computeMs: 0,
      lost: false,
      deferred: false,
    });
    if (put !== "fenced") announcements.announce([put.announcement]);
  }

  async function completeAttempt(link: WorkerLink, message: Complete): Promise<CompletionVerdict> {
    const assignment = workers.assignment(message.executionId);
    if (assignment?.isHook) {
      await store.finishFailureHook(message.executionId);
      workers.release(message.executionId);
      return { kind: "done", status: message.outcome.kind };
    }
    if (message.outcome.kind === "completed" && assignment !== undefined) return complete(link, message, assignment);
    const run = await store.runForDecision(link.environmentId, message);
    if (run === undefined) {
      // A hook that another platform, or this one before it was restarted, has given.
      if (await store.finishFailureHook(message.executionId)) return { kind: "done", status: message.outcome.kind };
      return fenced(message);
    }
    // A completion resent after its verdict was lost with a restart: the run has moved on to the next attempt.
    if (run.attempt !== message.attempt) return again(link, message, run);
    return decide(link, message, run);
  }

  function fenced(message: Complete): CompletionVerdict {
    workers.release(message.executionId);
    return { kind: "fenced" };
  }

  /** The common case needs no look at the run: the fence decides. */
  async function complete(link: WorkerLink, message: Complete, assignment: Assignment): Promise<CompletionVerdict> {
    const run = { runId: assignment.runId, environmentId: link.environmentId };
    const decision: AttemptDecision = { then: "finish", status: "COMPLETED", reason: "SUCCEEDED", hook: false };
    return finish(message, run, decision, assignment.startedAt);
  }

  async function decide(link: WorkerLink, message: Complete, run: RunForDecision): Promise<CompletionVerdict> {
    const deployment = run.deploymentId === undefined ? undefined : await deps.catalog.byId(run.deploymentId);
    const task = deployment?.tasks.get(run.taskId)?.declaration;
    const retry = deployment === undefined ? undefined : retryOf(deployment.manifest, task);
    const decision = decideAttempt({
      run,
      outcome: message.outcome,
      retry,
      random: deps.random(),
      lossCap: DEFAULT_LIMITS.platformLosses,
    });
    const startedAt = run.attemptStartedAt?.getTime() ?? Date.now();
    if (decision.then === "finish") return finish(message, run, decision, startedAt);
    const record = attemptRecord(message.attempt, message.outcome, startedAt, Date.now(), decision);
    if (decision.then === "giveBack" || !decision.inPlace) {
      return putBack(message, run, decision, record);
    }
    const next = await store.retryInPlace({
      environmentId: run.environmentId,
      runId: run.runId,
      execution: message,
      fromAttempt: message.attempt,
      nextAttempt: decision.nextAttempt,
      attempt: record,
      computeMs: message.usage.computeMs,
      deferred: decision.deferred,
      delayMs: decision.delayMs,
    });
    const grant = next === undefined ? undefined : await grantOf(deps, run.environmentId, next);
    if (grant === undefined) return fenced(message);
    workers.nextAttempt(message.executionId, grant.attempt, Date.now() + decision.delayMs);
    return { kind: "retryInPlace", delayMs: decision.delayMs, grant };
  }

  async function finish(
    message: Complete,
    run: { runId: string; environmentId: number },
    decision: Extract<AttemptDecision, { then: "finish" }>,
    startedAt: number,
  ): Promise<CompletionVerdict> {
    const { outcome } = message;
    const finished = await store.finish([
      {
        environmentId: run.environmentId,
        runId: run.runId,
        execution: message,
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
    workers.release(message.executionId);
    if (finished.length === 0) return { kind: "fenced" };
    announcements.announce(finished.map((one) => one.announcement));
    return { kind: "done", status: decision.status };
  }

  async function putBack(
    message: Complete,
    run: RunForDecision,
    decision: Exclude<AttemptDecision, { then: "finish" }>,
    record: ReturnType<typeof attemptRecord>,
  ): Promise<CompletionVerdict> {
    const isRetry = decision.then === "retry";
    const put = await store.requeue({
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
    });
    workers.release(message.executionId);
    if (put === "fenced") return { kind: "fenced" };
    announcements.announce([put.announcement]);
    return { kind: "done", status: put.status };
  }

  /** The verdict was given before and may not have arrived: the same, with the run as it is now. */
  async function grantAgain(
    link: WorkerLink,
    message: Complete,
    given: { delayMs: number; runId: string },
  ): Promise<CompletionVerdict> {
    const next = await store.runOnWorker(link.environmentId, given.runId, message);
    const grant = next === undefined ? undefined : await grantOf(deps, link.environmentId, next);
    return grant === undefined ? fenced(message) : { kind: "retryInPlace", delayMs: given.delayMs, grant };
  }

  async function again(link: WorkerLink, message: Complete, run: RunForDecision): Promise<CompletionVerdict> {
    if (run.attempt !== message.attempt + 1) return fenced(message);
    const now = new Date().toISOString();
    const next = await store.retryInPlace({
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
    const grant = next === undefined ? undefined : await grantOf(deps, link.environmentId, next);
    if (grant === undefined) return fenced(message);
    logger.info({ runId: encodeId("run", run.runId) }, "a resent completion found its next attempt");
    return { kind: "retryInPlace", delayMs: 0, grant };
  }
}

/** A verdict as it is remembered: without the grant, whose payload may be megabytes. */
type Remembered =
  | Exclude<CompletionVerdict, { kind: "retryInPlace" }>
  | { kind: "retryInPlace"; delayMs: number; runId: string };

const REMEMBERED_VERDICTS = 5000;

/** The latest verdicts, so that a resent completion gets the one it was given; bounded. */
class RecentVerdicts {
  readonly #verdicts = new Map<string, Promise<Remembered | undefined>>();

  get(key: string): Promise<Remembered | undefined> | undefined {
    return this.#verdicts.get(key);
  }

  set(key: string, verdict: Promise<CompletionVerdict>): void {
    this.#verdicts.set(
      key,
      verdict.then(remembered, () => {
        // It was not carried out: the next try is a first one.
        this.#verdicts.delete(key);
        return undefined;
      }),
    );
    if (this.#verdicts.size <= REMEMBERED_VERDICTS) return;
    const oldest = this.#verdicts.keys().next();
    if (!oldest.done) this.#verdicts.delete(oldest.value);
  }
}

function remembered(verdict: CompletionVerdict): Remembered {
  if (verdict.kind !== "retryInPlace") return verdict;
  return { kind: "retryInPlace", delayMs: verdict.delayMs, runId: decodeId("run", verdict.grant.run.id) ?? "" };
}
