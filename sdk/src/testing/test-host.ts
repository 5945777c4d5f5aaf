import { applyMetadataOperations, type Metadata } from "../contract/metadata-operations.ts";
import type { MetadataOperation, RunEvent } from "../contract/worker-protocol.ts";
import type { TaskHost } from "../task/host.ts";

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
