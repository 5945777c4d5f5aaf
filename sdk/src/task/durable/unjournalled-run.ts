import { decodeValue } from "../../client/packet.ts";
import { inOwnRegion } from "../region.ts";
import { durableUnavailable } from "./durable-errors.ts";
import type { DurableRun, OnceCall, StepOptions } from "./durable-run.ts";
import { runStepBody } from "./step-body.ts";

/** Where the host has no journal: steps simply run, and nothing can wait. */
export class UnjournalledRun implements DurableRun {
  readonly isReplaying = false;
  readonly open = { steps: 0, entries: 0 };

  async step<T>(name: string, fn: () => Promise<T> | T, options: StepOptions = {}): Promise<T> {
    this.open.steps += 1;
    try {
      const result = await runStepBody(name, fn, options, () => false);
      if (!result.ok) throw result.error;
      return decodeValue(result.value.data, result.value.dataType) as T;
    } finally {
      this.open.steps -= 1;
    }
  }

  async wait(call: { kind: string; label: string }): Promise<never> {
    throw durableUnavailable(`The wait for ${call.label}`);
  }

  once<T>({ perform }: OnceCall<T>): Promise<T> {
    return inOwnRegion(() => perform(undefined));
  }

  failure<E extends object>(_entry: number, error: E): E {
    return error;
  }

  clock(_kind: "epoch" | "monotonic", real: () => number): number {
    return real();
  }
}
