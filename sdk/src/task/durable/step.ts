/** `step.run` and `repeatable`: what makes a task's effects happen once. */
import { currentRegion, inRegion } from "../region.ts";
import { requireScope } from "../run-scope.ts";
import type { StepOptions } from "./durable-run.ts";

/**
 * Runs `fn` once in the life of the run: its result, or what it finally threw, is recorded before it is handed on, and is
 * handed on again, without running `fn`, when the run goes on in another process or is tried again.
 *
 * The result is what `fn` returned after a round trip through text: Dates, Maps and the like survive, functions do not.
 * Steps may run beside each other, each under a name of its own.
 *
 * @example
 * const invoice = await step.run("create invoice", () => stripe.invoices.create({ customer }));
 *
 * @example
 * await Promise.all(users.map((user) => step.run(`mail ${user.id}`, () => sendMail(user), { retry: { maxAttempts: 5 } })));
 */
async function run<T>(name: string, fn: () => Promise<T> | T, options?: StepOptions): Promise<T> {
  const { durable } = requireScope("step.run()");
  return durable ? durable.step(name, fn, options) : fn();
}

export const step = { run };

/**
 * Runs `fn` at once and says that it may run again, whenever the run goes on in another process: opening a pool, say.
 *
 * @example
 * const db = repeatable(() => new Pool({ connectionString }));
 */
export function repeatable<T>(fn: () => T): T {
  const region = currentRegion();
  return region?.kind === "step" && region.isOpen ? fn() : inRegion({ kind: "repeatable" }, fn);
}
