/**
 * Runs one attempt of a run.
 *
 *   decode payload → schema → middleware (global, then the task's) around:
 *     init → onStart (first attempt) → onStartAttempt → run → encode output
 *       ok:    onSuccess → onComplete → cleanup
 *       error: catchError (the task's, then global) → if final: onFailure → onComplete → cleanup
 *
 * Of a name, global hooks come first in the order of their registration. An error in init, onStart, onStartAttempt or
 * middleware fails the attempt as one in `run` does; in the hooks after the function it is recorded and changes nothing.
 * A cancel calls onCancel beside the function: cancelable.ts.
 */
import { readErrorMember, toWireError } from "../contract/wire-error.ts";
import type { Grant, MetadataOperation } from "../contract/worker-protocol.ts";
import { decideAfterError, isRetried } from "./after-error.ts";
import { Attempt } from "./attempt.ts";
import { type RunPromise, runCancelable } from "./cancelable.ts";
import { captureConsole } from "./captured-console.ts";
import { catalogue, type RegisteredTask } from "./catalogue.ts";
import { makeContext } from "./context.ts";
import { QuietHost } from "./durable/quiet-host.ts";
import { encodeOutput } from "./encode-output.ts";
import { TaskExecutionError } from "./errors.ts";
import { runFailureHooks } from "./failure-hooks.ts";
import type { ExecuteTask, TaskHost, TaskOutcome } from "./host.ts";
import { emitEvent } from "./log.ts";
import { MetadataView } from "./metadata-view.ts";
import { throughMiddleware } from "./middleware.ts";
import { readPayload } from "./read-payload.ts";
import { inOwnRegion, inRegion } from "./region.ts";
import { type RunScope, withScope } from "./run-scope.ts";
import { RunStreams } from "./streams/run-streams.ts";

export const executeTask: ExecuteTask = async (grant, host, signal) => {
  try {
    captureConsole();
    const task = catalogue().tasks.get(grant.run.taskId);
    if (!task) throw unknownTask(grant.run.taskId);
    const scope = makeScope(grant, host, signal, task);
    const attempt = new Attempt(task, scope, host, (error) => interrupts.get(scope)?.(error));
    const { failureHook } = grant.run;
    const begin = () =>
      failureHook ? runFailureHooks(attempt, failureHook.error) : runCancelable(attempt, runAttempt);
    try {
      running.set(host, scope);
      return await withScope(scope, () => inRegion({ kind: "function" }, begin));
    } finally {
      running.delete(host);
      attempt.journal?.end();
    }
  } catch (error) {
    return { kind: "failed", error: toWireError(error), retry: { by: "never", reason: "the attempt could not begin" } };
  }
};

function unknownTask(taskId: string): TaskExecutionError {
  const known = [...catalogue().tasks.keys()].map((id) => `"${id}"`).join(", ") || "none";
  return new TaskExecutionError("TASK_NOT_FOUND", `This version has no task "${taskId}". It has: ${known}.`);
}

function makeScope(grant: Grant, host: TaskHost, signal: AbortSignal, task: RegisteredTask): RunScope {
  const startedAt = Date.now();
  const send = (target: "self" | "parent" | "root", operation: MetadataOperation) => {
    const name = { self: "operations", parent: "parentOperations", root: "rootOperations" } as const;
    // Its timers and its clock are ours, not the task's.
    inOwnRegion(() => host.metadata({ [name[target]]: [operation] }));
  };
  const isReplaying = () => scope.durable?.isReplaying === true;
  const scope: RunScope = {
    grant,
    host: grant.journal ? new QuietHost(host, isReplaying) : host,
    ctx: makeContext(grant, task, new Date(startedAt)),
    signal,
    drainSignal: host.drainSignal ?? new AbortController().signal,
    isSignalTaken: false,
    metadata: new MetadataView(grant.run.metadata, grant.run.parentRunId === undefined, send, isReplaying),
    streams: new RunStreams({
      runId: grant.run.id,
      attempt: grant.attempt,
      warn: (message, error) => emitEvent(scope, "warn", message, { error }),
    }),
    locals: new Map(),
    startedAt,
  };
  return scope;
}

async function runAttempt(attempt: Attempt, run: RunPromise): Promise<TaskOutcome> {
  let outcome: TaskOutcome | undefined;
  try {
    await readPayload(attempt);
    await throughMiddleware(attempt, async () => {
      outcome = await runFunction(attempt, run);
    });
    if (!outcome) throw new TaskExecutionError("MIDDLEWARE_SKIPPED_RUN", "A middleware did not call next().");
    return outcome;
  } catch (error) {
    // A failure that was settled inside is not settled again because a middleware fails on its way out.
    if (outcome && outcome.kind !== "completed") return outcome;
    run.reject(error);
    return failAttempt(attempt, error);
  }
}

async function runFunction(attempt: Attempt, run: RunPromise): Promise<TaskOutcome> {
  try {
    await callInit(attempt);
    if (attempt.scope.ctx.attempt.number === 1) await attempt.require("onStart");
    await attempt.require("onStartAttempt");
    const output: unknown = await interruptible(attempt);
    const { data, dataType } = encodeOutput(output);
    run.resolve(output);
    await attempt.notify("onSuccess", { output });
    await attempt.notify("onComplete", { result: { ok: true, data: output } });
    await attempt.notify("cleanup", {});
    return { kind: "completed", ...(data === undefined ? {} : { output: data }), outputType: dataType };
  } catch (error) {
    run.reject(error);
    return failAttempt(attempt, error);
  }
}

const running = new WeakMap<TaskHost, RunScope>();
const interrupts = new WeakMap<RunScope, (error: unknown) => void>();

/**
 * Lets the function that this host's attempt is running fail with an error that it did not throw itself (one that nobody
 * awaited, say), as if it had: hooks and retries follow. False where no function is running.
 */
export function interruptTask(host: TaskHost, error: unknown): boolean {
  const scope = running.get(host);
  const interrupt = scope && interrupts.get(scope);
  interrupt?.(error);
  return interrupt !== undefined;
}

/** The function, and what of its steps and triggers is in flight when it ends. */
async function interruptible(attempt: Attempt): Promise<unknown> {
  const { scope } = attempt;
  const interrupted = Promise.withResolvers<never>();
  // It may come while nothing waits for it.
  interrupted.promise.catch(() => {});
  interrupts.set(scope, interrupted.reject);
  try {
    const output: unknown = await Promise.race([callFunction(attempt), interrupted.promise]);
    await Promise.race([attempt.journal?.settled(), interrupted.promise]);
    await Promise.race([scope.streams.settle(scope.signal), interrupted.promise]);
    return output;
  } catch (error) {
    await attempt.journal?.settled();
    await scope.streams.abandon(error);
    if (errorName(error) === "CompleteTaskWithOutput") return (error as { output: unknown }).output;
    throw error;
  } finally {
    interrupts.delete(scope);
  }
}

async function callFunction(attempt: Attempt): Promise<unknown> {
  if (attempt.fatal) throw attempt.fatal;
  const call = () => attempt.task.options.run(attempt.payload, attempt.runParams()) as unknown;
  return attempt.journal ? inRegion(attempt.journal.functionRegion, call) : call();
}

async function callInit(attempt: Attempt): Promise<void> {
  for (const { fn } of attempt.hooks("init")) {
    const made: unknown = await fn(attempt.params({}));
    if (typeof made === "object" && made !== null && !Array.isArray(made)) attempt.init = { ...attempt.init, ...made };
  }
}

/** An error after a cancel is the cancel's doing: no hook but `cleanup` hears of it. */
async function failAttempt(attempt: Attempt, thrown: unknown): Promise<TaskOutcome> {
  if (attempt.isCanceled) {
    await attempt.notify("cleanup", {});
    return { kind: "canceled" };
  }
  const { drainSignal } = attempt.scope;
  if (drainSignal.aborted && thrown === drainSignal.reason) {
    await attempt.notify("cleanup", {});
    return { kind: "returned", reason: "The function gave the run back: its worker is told to stop" };
  }
  if (errorName(thrown) === "OutOfMemoryError") {
    await attempt.notify("cleanup", {});
    // Final or not, what follows is the platform's decision, its failure hooks too.
    return { kind: "crashed", reason: "OUT_OF_MEMORY", error: toWireError(thrown) };
  }
  const reopen = attempt.journal?.reopened(thrown) ?? [];
  const { error, retry } = await decideAfterError(attempt, thrown);
  if (!isRetried(attempt, retry)) await attempt.notifyFailure(error);
  await attempt.notify("cleanup", {});
  return { kind: "failed", error: toWireError(error), retry, ...(reopen.length === 0 ? {} : { reopen }) };
}

/** By name, not by class: the project's copy of the SDK made it. */
function errorName(error: unknown): unknown {
  return typeof error === "object" && error !== null ? readErrorMember(error, "name") : undefined;
}
