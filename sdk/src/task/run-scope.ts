/**
 * The run around the calling code.
 *
 * One AsyncLocalStorage behind a global symbol: the worker's copy of the SDK opens the scope, the copy in the user's
 * bundle reads it, and code of two runs in one process never sees the other's. The client (client/current-run.ts) reads
 * `host.api` and `ctx` of it.
 */
import { type AsyncContext, createAsyncContext } from "../client/async-context.ts";
import type { Grant } from "../contract/worker-protocol.ts";
import type { TaskContext } from "./context.ts";
import type { DurableRun } from "./durable/durable-run.ts";
import type { TaskHost } from "./host.ts";
import type { MetadataView } from "./metadata-view.ts";
import type { RunStreams } from "./streams/run-streams.ts";

export interface RunScope {
  grant: Grant;
  host: TaskHost;
  ctx: TaskContext;
  signal: AbortSignal;
  drainSignal: AbortSignal;
  /** Set once user code has been handed the signal: it may then react to a cancel by itself. */
  isSignalTaken: boolean;
  metadata: MetadataView;
  /** What steps, waits and triggers go through. */
  durable?: DurableRun | undefined;
  /** What it writes to streams, and hears on input streams. */
  streams: RunStreams;
  /** Values of `locals`, by key. */
  locals: Map<symbol, unknown>;
  /** Milliseconds since the epoch at which this attempt began here. */
  startedAt: number;
}

const RUN = Symbol.for("dev.gantry.run");
const slot = globalThis as { [RUN]?: AsyncContext<RunScope> };

/** The run around the caller; undefined outside of runs. */
export function currentScope(): RunScope | undefined {
  return slot[RUN]?.getStore();
}

/** Error: the caller is not inside a run; `what` names the call. */
export function requireScope(what: string): RunScope {
  const scope = currentScope();
  if (!scope) throw new Error(`${what} works inside a run only: call it from a task's run function or its hooks.`);
  return scope;
}

/** Runs `body` as part of the run; what it starts, however late, belongs to the run too. */
export function withScope<T>(scope: RunScope, body: () => T): T {
  const storage = slot[RUN] ?? createAsyncContext<RunScope>();
  if (!storage) throw new Error("Tasks run on Node.js 22.3 or newer: this runtime has no AsyncLocalStorage.");
  slot[RUN] = storage;
  return storage.run(scope, body);
}

/** The scope's signal, for handing to user code. */
export function takeSignal(scope: RunScope): AbortSignal {
  scope.isSignalTaken = true;
  return scope.signal;
}
