import type { CompletionVerdict } from "@gantry/sdk/contract";
import { decodeId } from "../ids.ts";

/** A verdict as it is remembered: without the grant, whose payload may be megabytes. */
export type RememberedVerdict =
  | Exclude<CompletionVerdict, { kind: "retryInPlace" }>
  | { kind: "retryInPlace"; delayMs: number; runId: string };

const REMEMBERED_VERDICTS = 5000;

/** The latest verdicts, so that a resent completion gets the one it was given; bounded. */
export class RecentVerdicts {
  readonly #verdicts = new Map<string, Promise<RememberedVerdict | undefined>>();

  get(key: string): Promise<RememberedVerdict | undefined> | undefined {
    return this.#verdicts.get(key);
  }

  set(key: string, verdict: Promise<CompletionVerdict>): void {
    this.#verdicts.set(
      key,
      verdict.then(remembered, () => {
        // It was not carried out: the next try is a first one.
        this.#verdicts.delete(key);
        return undefined;
      }),
    );
    if (this.#verdicts.size <= REMEMBERED_VERDICTS) return;
    const oldest = this.#verdicts.keys().next();
    if (!oldest.done) this.#verdicts.delete(oldest.value);
  }
}

function remembered(verdict: CompletionVerdict): RememberedVerdict {
  if (verdict.kind !== "retryInPlace") return verdict;
  return { kind: "retryInPlace", delayMs: verdict.delayMs, runId: decodeId("run", verdict.grant.run.id) ?? "" };
}
