import { performance } from "node:perf_hooks";
import { currentRegion } from "@gantry/sdk/task";
import type { Surroundings } from "./surroundings.ts";

/**
 * `new Date()`, `Date()`, `Date.now()` and `performance.now()` of the function, outside of steps, are readings of its run's
 * clock: a replay gets the same ones. Everyone else reads the real one.
 */
export function installDurableClock(around: Surroundings): void {
  const RealDate = Date;
  const realNow = Date.now;
  const realMonotonic = performance.now;
  const read = (kind: "epoch" | "monotonic", real: () => number): number => {
    if (!around.isActive || currentRegion()?.kind !== "function") return real();
    return around.learn()?.clock(kind, real) ?? real();
  };
  define(RealDate, "now", { now: () => read("epoch", realNow) }.now);
  define(
    Object.getPrototypeOf(performance) as object,
    "now",
    {
      now(this: typeof performance) {
        return read("monotonic", () => Reflect.apply(realMonotonic, this, []));
      },
    }.now,
  );
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [target.now()] : args, newTarget) as Date,
    // As V8 does: called without `new`, whatever the arguments.
    apply: (target) => new target(target.now()).toString(),
  });
  define(RealDate.prototype, "constructor", globalThis.Date);
}

function define(owner: object, key: string, value: unknown): void {
  Object.defineProperty(owner, key, { ...Object.getOwnPropertyDescriptor(owner, key), value });
}
