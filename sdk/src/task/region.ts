/**
 * Whose code is running: what watches a process for effects outside of steps asks here.
 *
 * One AsyncLocalStorage behind a global symbol, as in run-scope.ts. No region at all is module code, or work in the
 * background that nobody can attribute.
 */
import { type AsyncContext, createAsyncContext } from "../client/async-context.ts";

export type Region =
  /** The task's function, its middleware and hooks. */
  | { kind: "function" }
  /** A step's body. `isOpen` becomes false when it has settled: what still happens then belongs to nobody. */
  | {
      kind: "step";
      name: string;
      isOpen: boolean;
      files: "disposable" | undefined;
      /** What it is known by within its run; a hook has none. */
      key?: string;
      /** Which try of its body this is. */
      tries?: number;
    }
  /** What the user said may run again. */
  | { kind: "repeatable" }
  /** Ours: the SDK and the runner. */
  | { kind: "runner" };

const REGION = Symbol.for("dev.gantry.region");
const slot = globalThis as { [REGION]?: AsyncContext<Region> };

export function currentRegion(): Region | undefined {
  return slot[REGION]?.getStore();
}

/** Where there is no AsyncLocalStorage, `body` simply runs. */
export function inRegion<T>(region: Region, body: () => T): T {
  const storage = slot[REGION] ?? createAsyncContext<Region>();
  if (!storage) return body();
  slot[REGION] = storage;
  return storage.run(region, body);
}

const OURS: Region = { kind: "runner" };

/** For what is ours: it is no effect, no timer and no reading of the task's. */
export function inOwnRegion<T>(body: () => T): T {
  return inRegion(OURS, body);
}

/** Runs a body that is none of the user's steps, but whose effects count as a step's: they are not repeated either. */
export async function inStepRegion<T>(name: string, body: () => T): Promise<Awaited<T>> {
  const region: Region = { kind: "step", name, isOpen: true, files: undefined };
  try {
    return await inRegion(region, body);
  } finally {
    region.isOpen = false;
  }
}
