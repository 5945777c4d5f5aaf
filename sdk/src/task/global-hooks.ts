/** Hooks for every task of a project, registered in `init.ts`: `tasks.onFailure(…)` and its kin. */
import { catalogue } from "./catalogue.ts";
import type { HookName, Hooks, InitOutput } from "./hooks.ts";

/** A hook, with a name that its records show. */
export interface Register<TName extends HookName> {
  (fn: Hooks<unknown, unknown, InitOutput>[TName]): void;
  (name: string, fn: Hooks<unknown, unknown, InitOutput>[TName]): void;
}

function registrar<TName extends HookName>(hook: TName): Register<TName> {
  return (nameOrFn: string | Hooks[TName], fn?: Hooks[TName]) => {
    const registered =
      typeof nameOrFn === "string" ? { name: nameOrFn, fn: fn as Hooks[TName] } : { fn: nameOrFn as Hooks[TName] };
    const { hooks } = catalogue();
    const list: unknown[] = (hooks[hook] ??= []);
    list.push(registered);
  };
}

/** They run in the order of their registration; all but `catchError` run before the task's own. */
export const globalHooks = {
  init: registrar("init"),
  onStart: registrar("onStart"),
  onStartAttempt: registrar("onStartAttempt"),
  onWait: registrar("onWait"),
  onResume: registrar("onResume"),
  onSuccess: registrar("onSuccess"),
  onFailure: registrar("onFailure"),
  onComplete: registrar("onComplete"),
  onCancel: registrar("onCancel"),
  catchError: registrar("catchError"),
  /** The older name of `catchError`. */
  handleError: registrar("catchError"),
  middleware: registrar("middleware"),
  cleanup: registrar("cleanup"),
};
