import type { MetadataOperation } from "@gantry/sdk/contract";
import { coalesce } from "./metadata-policy.ts";
import type { MetadataChange } from "./process-messages.ts";

const KINDS = ["operations", "parentOperations", "rootOperations"] as const;

/** Operations that wait to be sent, for the run, its parent and its root, in order and with nothing in vain. */
export class WaitingMetadata {
  #waiting: Partial<Record<(typeof KINDS)[number], MetadataOperation[]>> = {};
  #isEmpty = true;

  add(change: MetadataChange): void {
    for (const kind of KINDS) {
      for (const operation of change[kind] ?? []) {
        this.#waiting[kind] = coalesce(this.#waiting[kind] ?? [], operation);
        this.#isEmpty = false;
      }
    }
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  take(): MetadataChange {
    const taken = this.#waiting;
    this.#waiting = {};
    this.#isEmpty = true;
    return taken;
  }
}
