/** One attempt while it is executed, and how its hooks are called. */
import type { RegisteredTask } from "./catalogue.ts";
import { catalogue } from "./catalogue.ts";
import type { HookName, HookParams, Hooks, InitOutput } from "./hooks.ts";
import { emitEvent } from "./log.ts";
import { type RunScope, takeSignal } from "./run-scope.ts";

export class Attempt {
  readonly task: RegisteredTask;
  readonly scope: RunScope;
  /** Decoded, and parsed once the schema has accepted it. */
  payload: unknown;
  /** What the `init` hooks returned, merged. */
  init: InitOutput = {};

  constructor(task: RegisteredTask, scope: RunScope) {
    this.task = task;
    this.scope = scope;
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

  /** Calls hooks whose failure fails the attempt. */
  async require(name: "onStart" | "onStartAttempt"): Promise<void> {
    for (const hook of this.hooks(name)) await hook.fn(this.params({}));
  }

  /** Calls hooks that may not change what happened: what they throw is recorded, and the next one is called. */
  async notify<TName extends "onSuccess" | "onFailure" | "onComplete" | "onCancel" | "cleanup">(
    name: TName,
    more: Omit<Parameters<Hooks[TName]>[0], keyof HookParams | "init">,
  ): Promise<void> {
    for (const { label, fn } of this.hooks(name)) {
      try {
        await (fn as (params: object) => unknown)(this.params(more));
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
