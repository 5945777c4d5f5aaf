import { type ClusterSight, NOTHING_SEEN } from "../../cluster/cluster-sight.ts";
import type { Executor } from "../../cluster/executor.ts";

/** Starts no workers: those of elsewhere connect by themselves. */
export class NoExecutor implements Executor {
  readonly name = "none";
  readonly launchesEach = false;
  async launch(): Promise<void> {}
  async prepare(): Promise<void> {}
  async retire(): Promise<void> {}
  async abandon(): Promise<void> {}
  async look(): Promise<ClusterSight> {
    return NOTHING_SEEN;
  }
  async stop(): Promise<void> {}
}
