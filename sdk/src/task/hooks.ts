/* oxlint-disable typescript/no-explicit-any -- only `any` lets a type parameter be inferred in both directions here */
/** The lifecycle hooks and what each is given. Names and shapes are Trigger.dev v4's. */
import type { RetryOptions } from "../contract/retry.ts";
import type { TaskContext } from "./context.ts";

/** What `init` may return; it reaches the function and the later hooks as `init`. */
export type InitOutput = Record<string, any> | void | undefined;

/** What every hook is given. */
export interface HookParams<TPayload = unknown> {
  ctx: TaskContext;
  payload: TPayload;
  /** The task's id. */
  task: string;
  /** Aborted when the run is canceled. */
  signal: AbortSignal;
  /** Aborted when the worker is told to stop; see RunParams. */
  drainSignal: AbortSignal;
}

/** Hooks that come after `init`. */
export interface InitializedHookParams<TPayload = unknown, TInit extends InitOutput = InitOutput>
  extends HookParams<TPayload> {
  init?: TInit | undefined;
}

/** What a run waits for. */
export type TaskWait =
  | { type: "duration"; date: Date }
  | { type: "token"; token: string }
  | { type: "task"; runId: string }
  | { type: "batch"; batchId: string; runCount: number };

export type TaskCompleteResult<TOutput = unknown> = { ok: true; data: TOutput } | { ok: false; error: unknown };

/** What `catchError` may decide; an undefined result leaves the retry policy as it is. */
export interface CatchErrorDecision {
  /** The run fails now. */
  skipRetrying?: boolean | undefined;
  retryAt?: Date | undefined;
  retryDelayInMs?: number | undefined;
  /** Another policy for this failure. */
  retry?: RetryOptions | undefined;
  /** Is recorded in place of the error that was thrown. */
  error?: unknown;
}
export type CatchErrorResult = void | undefined | CatchErrorDecision | Promise<void | undefined | CatchErrorDecision>;

type Ran = void | undefined | Promise<void | undefined>;
type Init<TPayload, TInit extends InitOutput> = InitializedHookParams<TPayload, TInit>;

export type OnInitHook<P = unknown, I extends InitOutput = InitOutput> = (params: HookParams<P>) => I | Promise<I>;
export type OnStartHook<P = unknown, I extends InitOutput = InitOutput> = (params: Init<P, I>) => Ran;
export type OnStartAttemptHook<P = unknown> = (params: HookParams<P>) => Ran;
export type OnWaitHook<P = unknown, I extends InitOutput = InitOutput> = (
  params: Init<P, I> & { wait: TaskWait },
) => Ran;
export type OnResumeHook<P = unknown, I extends InitOutput = InitOutput> = OnWaitHook<P, I>;
export type OnSuccessHook<P = unknown, O = unknown, I extends InitOutput = InitOutput> = (
  params: Init<P, I> & { output: O },
) => Ran;
export type OnFailureHook<P = unknown, I extends InitOutput = InitOutput> = (
  params: Init<P, I> & { error: unknown },
) => Ran;
export type OnCompleteHook<P = unknown, O = unknown, I extends InitOutput = InitOutput> = (
  params: Init<P, I> & { result: TaskCompleteResult<O> },
) => Ran;
/** `runPromise` settles as the run function does. */
export type OnCancelHook<P = unknown, O = any, I extends InitOutput = InitOutput> = (
  params: Init<P, I> & { runPromise: Promise<O> },
) => Ran;
export type CatchErrorHook<P = unknown, I extends InitOutput = InitOutput> = (
  params: Init<P, I> & {
    error: unknown;
    /** The policy in force; `retryAt` and `retryDelayInMs` are what it would do, undefined where it would give up. */
    retry?: RetryOptions | undefined;
    retryAt?: Date | undefined;
    retryDelayInMs?: number | undefined;
  },
) => CatchErrorResult;
/** `next()` runs what is inside; it never rejects. */
export type MiddlewareHook<P = unknown> = (params: HookParams<P> & { next: () => Promise<void> }) => Promise<void>;
export type CleanupHook<P = unknown, I extends InitOutput = InitOutput> = (params: Init<P, I>) => Ran;

/** The hooks by name, as a task's options and the global registrations hold them. */
export interface Hooks<P = any, O = any, I extends InitOutput = any> {
  init: OnInitHook<P, I>;
  onStart: OnStartHook<P, I>;
  onStartAttempt: OnStartAttemptHook<P>;
  onWait: OnWaitHook<P, I>;
  onResume: OnResumeHook<P, I>;
  onSuccess: OnSuccessHook<P, O, I>;
  onFailure: OnFailureHook<P, I>;
  onComplete: OnCompleteHook<P, O, I>;
  onCancel: OnCancelHook<P, O, I>;
  catchError: CatchErrorHook<P, I>;
  middleware: MiddlewareHook<P>;
  cleanup: CleanupHook<P, I>;
}
export type HookName = keyof Hooks;
