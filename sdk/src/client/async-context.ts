/** The part of Node's AsyncLocalStorage that is used here. */
export interface AsyncContext<T> {
  run<R>(store: T, fn: () => R): R;
  getStore(): T | undefined;
}

interface HostGlobals {
  AsyncLocalStorage?: new <T>() => AsyncContext<T>;
  process?: { getBuiltinModule?: (id: string) => { AsyncLocalStorage: new <T>() => AsyncContext<T> } | undefined };
}

/**
 * A context that follows async calls, found without importing `node:async_hooks`, so that the client bundles for any
 * runtime: edge runtimes have the class as a global, Node 22, Bun and Deno give it through `process.getBuiltinModule`.
 * Undefined where there is neither, i.e. in a browser.
 */
export function createAsyncContext<T>(): AsyncContext<T> | undefined {
  const host = globalThis as HostGlobals;
  const Class = host.AsyncLocalStorage ?? host.process?.getBuiltinModule?.("node:async_hooks")?.AsyncLocalStorage;
  return Class === undefined ? undefined : new Class<T>();
}
