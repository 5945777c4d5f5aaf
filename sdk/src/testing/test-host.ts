import { applyMetadataOperations, type Metadata } from "../contract/metadata-operations.ts";
import type { MetadataOperation, RunEvent } from "../contract/worker-protocol.ts";
import type { JournalHost, TaskHost } from "../task/host.ts";

/** A line of the run's log, or an event such as a `logger.trace`. */
export interface TestLog {
  level: RunEvent["level"];
  message: string;
  /** The attributes, as they were sent. */
  data?: unknown;
}

/** Keeps what a run reports. */
export class TestHost implements TaskHost {
  readonly api = undefined;
  readonly drainSignal: AbortSignal | undefined;
  readonly logs: TestLog[] = [];
  own: Metadata;
  parent: Metadata = {};
  root: Metadata = {};

  constructor(metadata: Metadata, drainSignal?: AbortSignal) {
    this.drainSignal = drainSignal;
    this.own = structuredClone(metadata);
  }

  emit({ level, message, data }: RunEvent): void {
    this.logs.push({ level, message, ...(data === undefined ? {} : { data: JSON.parse(data) }) });
  }

  metadata(change: {
    operations?: MetadataOperation[];
    parentOperations?: MetadataOperation[];
    rootOperations?: MetadataOperation[];
  }): void {
    this.own = applyMetadataOperations(this.own, change.operations ?? []);
    this.parent = applyMetadataOperations(this.parent, change.parentOperations ?? []);
    this.root = applyMetadataOperations(this.root, change.rootOperations ?? []);
  }

  async flush(): Promise<void> {}
}

/** One pass of the function: what it still does after its end is not heard, and it hears nothing. */
export class TestPass implements TaskHost {
  readonly api = undefined;
  readonly drainSignal: AbortSignal | undefined;
  readonly journal: JournalHost;
  /** The run's own where there is one pass alone. */
  readonly signal: AbortSignal;
  readonly #host: TestHost;
  #isOver = false;

  constructor(host: TestHost, journal: JournalHost, runSignal: AbortSignal, isOneOfMany: boolean) {
    this.#host = host;
    this.journal = journal;
    this.drainSignal = host.drainSignal;
    this.signal = isOneOfMany ? this.#following(runSignal) : runSignal;
  }

  emit(event: RunEvent): void {
    if (!this.#isOver) this.#host.emit(event);
  }

  metadata(change: Parameters<TaskHost["metadata"]>[0]): void {
    if (!this.#isOver) this.#host.metadata(change);
  }

  async flush(): Promise<void> {}

  end(): void {
    this.#isOver = true;
  }

  #following(runSignal: AbortSignal): AbortSignal {
    const own = new AbortController();
    const follow = () => {
      if (!this.#isOver) own.abort(runSignal.reason);
    };
    if (runSignal.aborted) follow();
    else runSignal.addEventListener("abort", follow);
    return own.signal;
  }
}
