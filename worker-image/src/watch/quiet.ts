import { inOwnRegion } from "@gantry/sdk/task";
import type { Surroundings } from "./surroundings.ts";

/** Resolves once user code has been still for `ms`: at the earliest after `ms`, at the latest `ms` after that was so. */
export function quiet(around: Surroundings, ms: number, signal?: AbortSignal): Promise<void> {
  return inOwnRegion(() => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let seen = around.activity;
    let timer = setTimeout(look, ms);
    function look(): void {
      if (around.activity === seen) return resolve();
      seen = around.activity;
      timer = setTimeout(look, ms);
    }
    signal?.addEventListener("abort", () => clearTimeout(timer), { once: true });
    return promise;
  });
}
