import type { MetadataOperation, RunEvent } from "../../contract/worker-protocol.ts";
import type { JournalHost, TaskHost } from "../host.ts";

interface MetadataChange {
  operations?: MetadataOperation[];
  parentOperations?: MetadataOperation[];
  rootOperations?: MetadataOperation[];
}

/** A host that hears nothing of logs and metadata while the run repeats what it did before: they were sent then. */
export class QuietHost implements TaskHost {
  readonly #host: TaskHost;
  readonly #isReplaying: () => boolean;

  constructor(host: TaskHost, isReplaying: () => boolean) {
    this.#host = host;
    this.#isReplaying = isReplaying;
  }

  get api(): { url: string; token: string } | undefined {
    return this.#host.api;
  }

  get drainSignal(): AbortSignal | undefined {
    return this.#host.drainSignal;
  }

  get journal(): JournalHost | undefined {
    return this.#host.journal;
  }

  emit(event: RunEvent): void {
    if (!this.#isReplaying()) this.#host.emit(event);
  }

  metadata(change: MetadataChange): void {
    if (!this.#isReplaying()) this.#host.metadata(change);
  }

  flush(): Promise<void> {
    return this.#host.flush();
  }
}
