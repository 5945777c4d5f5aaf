/** One attempt while it is executed, and how its hooks are called. */
import type { RegisteredTask } from "./catalogue.ts";
import { catalogue } from "./catalogue.ts";
import { JournalledRun } from "./durable/journalled-run.ts";
import { UnjournalledRun } from "./durable/unjournalled-run.ts";
import type { HookName, HookParams, Hooks, InitOutput } from "./hooks.ts";
import type { TaskHost } from "./host.ts";
import { emitEvent } from "./log.ts";
import { currentRegion, inRegion, inStepRegion } from "./region.ts";
import { type RunScope, takeSignal, withScope } from "./run-scope.ts";
import { flushedJournal } from "./streams/flushed-journal.ts";

export class Attempt {
  readonly task: RegisteredTask;
  readonly scope: RunScope;
  /** Undefined where the run cannot wait. */
  readonly journal: JournalledRun | undefined;
  /** The journal and the function do not fit together, or the journal is full: the attempt fails, whatever the function does. */
  fatal: Error | undefined;
  /** Decoded, and parsed once the schema has accepted it. */
  payload: unknown;
  /** What the `init` hooks returned, merged. */
  init: InitOutput = {};

  /** `onFatal` is called when `fatal` is set. */
  constructor(task: RegisteredTask, scope: RunScope, host: TaskHost, onFatal: (error: Error) => void) {
    this.task = task;
    this.scope = scope;
    this.journal = scope.grant.run.failureHook ? undefined : this.#openJournal(host, onFatal);
    scope.durable = this.journal ?? new UnjournalledRun();
  }

  #openJournal({ journal }: TaskHost, onFatal: (error: Error) => void): JournalledRun | undefined {
    if (!journal) return undefined;
    const { grant, signal, drainSignal } = this.scope;
    return new JournalledRun({
      runId: grant.run.id,
      attempt: grant.attempt,
      snapshot: grant.journal,
      journal: flushedJournal(journal, this.scope.streams),
      signal,
      drainSignal,
      hooks: {
        has: (name) => this.hooks(name).length > 0,
        call: (name, wait) => inStepRegion(name, () => this.notify(name, { wait })),
      },
      onFatal: (error) => {
        this.fatal = error;
        onFatal(error);
      },
    });
  }

  get isCanceled(): boolean {
    return this.scope.signal.aborted;
  }

  /** What a hook is given; reading `signal` counts as having taken it. */
  params<T extends object>(more: T): HookParams & { init: InitOutput } & T {
    const { scope } = this;
    const params = { ctx: scope.ctx, payload: this.payload, task: this.task.id, init: this.init, ...more };
    return withSignals(params, scope);
  }

  /** The function's second argument. */
  runParams() {
    return withSignals({ ctx: this.scope.ctx, init: this.init }, this.scope);
  }

  /** The hooks of a name: global ones in the order of their registration, then the task's own. */
  hooks<TName extends HookName>(name: TName): { label: string; fn: Hooks[TName] }[] {
    const globals = (catalogue().hooks[name] ?? []) as { name?: string | undefined; fn: Hooks[TName] }[];
    const own = this.task.options[name] as Hooks[TName] | undefined;
    return [
      ...globals.map((hook) => ({ label: hook.name === undefined ? name : `${name} (${hook.name})`, fn: hook.fn })),
      ...(own === undefined ? [] : [{ label: name, fn: own }]),
    ];
  }

  /** Calls hooks whose failure fails the attempt: once, also where the attempt goes on in another process. */
  async require(name: "onStart" | "onStartAttempt"): Promise<void> {
    const { journal } = this;
    for (const [index, { label, fn }] of this.hooks(name).entries()) {
      const call = () => fn(this.params({}));
      if (journal) await journal.hook(`${label} ${this.scope.grant.attempt}.${index + 1}`, call);
      else await call();
    }
  }

  /** Calls hooks that may not change what happened: what they throw is recorded, and the next one is called. */
  async notify<TName extends "onSuccess" | "onWait" | "onResume" | "onFailure" | "onComplete" | "onCancel" | "cleanup">(
    name: TName,
    more: Omit<Parameters<Hooks[TName]>[0], keyof HookParams | "init">,
  ): Promise<void> {
    for (const { label, fn } of this.hooks(name)) {
      try {
        // Whoever delivers the end of a wait is outside of the run.
        await withScope(this.scope, () => inHookRegion(() => (fn as (params: object) => unknown)(this.params(more))));
      } catch (error) {
        emitEvent(this.scope, "error", `The hook ${label} failed`, { error });
      }
    }
  }

  /** The run has failed for good. */
  async notifyFailure(error: unknown): Promise<void> {
    await this.notify("onFailure", { error });
    await this.notify("onComplete", { result: { ok: false, error } });
  }
}

/** What a hook does is not the function's: it may call steps when the function has ended. */
function inHookRegion<T>(body: () => T): T {
  return currentRegion()?.kind === "step" ? body() : inRegion({ kind: "function" }, body);
}

interface Signals {
  readonly signal: AbortSignal;
  readonly drainSignal: AbortSignal;
}

function withSignals<T extends object>(params: T, scope: RunScope): T & Signals {
  const { drainSignal } = scope;
  return Object.defineProperty({ ...params, drainSignal }, "signal", {
    get: () => takeSignal(scope),
    enumerable: true,
  }) as T & Signals;
}
