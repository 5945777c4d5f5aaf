import { currentRun } from "./current-run.ts";

const REGION = Symbol.for("dev.gantry.region");

/**
 * Makes a request that has an effect: inside a run once, whatever happens to the run's process; outside, and in a step's
 * body (which is journalled as a whole), simply.
 *
 * `perform` gets the idempotency key to send where the user gave none; undefined: none is needed.
 */
export function onceInRun<T>(call: {
  label: string;
  /** Asked inside runs only: hashing takes its time. */
  fingerprint: () => string;
  perform: (onceKey: string | undefined) => Promise<T>;
}): Promise<T> {
  const durable = currentRun()?.durable;
  if (!durable || isInStep()) return call.perform(undefined);
  return durable.once({ label: call.label.slice(0, 256), fingerprint: call.fingerprint(), perform: call.perform });
}

/** The task's side of the SDK says so (task/region.ts); its copy need not be this one. */
function isInStep(): boolean {
  const slot = globalThis as { [REGION]?: { getStore(): { kind: string; isOpen?: boolean } | undefined } };
  const region = slot[REGION]?.getStore();
  return region?.kind === "step" && region.isOpen === true;
}
