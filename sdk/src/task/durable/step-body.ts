/** Runs the body of a step: in a region of its own, again where its `retry` says so. */
import type { EncodedValue } from "../../client/packet.ts";
import { DEFAULT_RETRY, type RetryOptions, retryDelayMs } from "../../contract/retry.ts";
import { readErrorMember } from "../../contract/wire-error.ts";
import { retryOfError } from "../after-error.ts";
import { pauseInRun } from "../pause.ts";
import { inOwnRegion, inRegion, type Region } from "../region.ts";
import type { StepOptions } from "./durable-run.ts";
import { encodeJournalValue } from "./journal-value.ts";
import { realTimers } from "./real-timers.ts";

export type StepResult = { tries: number } & ({ ok: true; value: EncodedValue } | { ok: false; error: unknown });

/** Never rejects. `isControl` tells the errors that end the attempt and say nothing of the step: they are not tried again. */
export async function runStepBody(
  name: string,
  fn: () => unknown,
  { retry, files }: StepOptions,
  isControl: (error: unknown) => boolean,
  key = name,
): Promise<StepResult> {
  const region: Region & { kind: "step" } = { kind: "step", name, isOpen: true, files, key };
  const maxTries = retry ? (retry.maxAttempts ?? DEFAULT_RETRY.maxAttempts) : 1;
  try {
    for (let tries = 1; ; tries++) {
      region.tries = tries;
      try {
        const value = await inRegion(region, fn);
        return { ok: true, value: encodeJournalValue(value, name), tries };
      } catch (error) {
        if (tries >= maxTries || isControl(error) || retryOfError(error, realTimers.epoch()))
          return { ok: false, error, tries };
      }
      await inOwnRegion(() => pauseInRun(delayOf(retry, tries)));
    }
  } catch (error) {
    // The run was canceled between two tries.
    return { ok: false, error, tries: maxTries };
  } finally {
    region.isOpen = false;
  }
}

function delayOf(retry: RetryOptions | undefined, tries: number): number {
  return retryDelayMs(retry ?? {}, tries, Math.random());
}

const CONTROL_ERRORS = new Set(["CompleteTaskWithOutput", "OutOfMemoryError"]);

/** Errors that are meant for the run and not for the step: they pass through it, and it is not recorded. */
export function isControlError(error: unknown, signals: readonly AbortSignal[]): boolean {
  if (signals.some((signal) => signal.aborted && signal.reason === error)) return true;
  return typeof error === "object" && error !== null && CONTROL_ERRORS.has(String(readErrorMember(error, "name")));
}
