import { currentScope, requireScope } from "./run-scope.ts";

/** Names a value that a run's middleware sets and its function and hooks read. */
export interface LocalsKey<T> {
  readonly id: string;
  readonly __type: symbol;
  /** For the compiler only. */
  readonly __valueType?: T;
}

/**
 * Values that live as long as one attempt of a run, e.g. a database connection that middleware opens.
 *
 * @example
 * const Db = locals.create<Database>("db");
 * tasks.middleware(async ({ next }) => { locals.set(Db, await connect()); await next(); });
 */
export const locals = {
  /** Two keys of one id are the same key, so that copies of a module agree. */
  create: <T>(id: string): LocalsKey<T> => ({ id, __type: Symbol.for(`dev.gantry.locals.${id}`) }),
  get: <T>(key: LocalsKey<T>): T | undefined => currentScope()?.locals.get(key.__type) as T | undefined,
  /** Error: nothing was set. */
  getOrThrow: <T>(key: LocalsKey<T>): T => {
    const value = locals.get(key);
    if (value === undefined) throw new Error(`No local "${key.id}" was set in this run.`);
    return value;
  },
  /** Error: outside a run. */
  set: <T>(key: LocalsKey<T>, value: T): T => {
    requireScope("locals.set()").locals.set(key.__type, value);
    return value;
  },
};
