import type { Api, RunView } from "../../support/api.ts";
import type { Kubectl, Pod } from "./kubectl.ts";
import { eventually } from "./patience.ts";

/** What the API says of a waiting run's process. */
export interface CheckpointView {
  mode: "hold" | "replay" | "process";
  reason: string;
  because?: string;
  parkedAt: string;
  storedBytes?: number;
  bytes?: number;
  node?: string;
  failures?: number;
  frees?: string;
}

/** Ended as it should, for a test that waits for it. */
const FINAL = /^(COMPLETED|FAILED|CANCELED|CRASHED|SYSTEM_FAILURE|EXPIRED|TIMED_OUT)$/;

/** Runs that wait, and where their processes are meanwhile. */
export class StoredRuns {
  readonly api: Api;
  /** The namespace of Jobs whose processes can be stored. */
  readonly pods: Kubectl;

  constructor(api: Api, pods: Kubectl) {
    this.api = api;
    this.pods = pods;
  }

  async token(): Promise<string> {
    return (await this.api.call<{ id: string }>("POST", "/api/v1/waitpoints/tokens", {})).id;
  }

  complete(token: string, data: unknown = null): Promise<unknown> {
    return this.api.call("POST", `/api/v1/waitpoints/tokens/${token}/complete`, { data });
  }

  checkpoint(run: RunView): CheckpointView | undefined {
    return (run as RunView & { checkpoint?: CheckpointView }).checkpoint;
  }

  /** Resolves when the run waits and its worker has become this, for this reason. Error: it has ended instead. */
  async untilParked(
    runId: string,
    mode: CheckpointView["mode"],
    reason = /./,
    withinMs?: number,
  ): Promise<CheckpointView> {
    let last: CheckpointView | undefined;
    return eventually(
      `${runId}: ${mode} by ${reason}`,
      async () => {
        const run = await this.api.run(runId);
        last = this.checkpoint(run);
        if (FINAL.test(run.status))
          throw new Error(`${runId} is ${run.status}: ${JSON.stringify(run.error ?? run.output)}`);
        return last?.mode === mode && reason.test(last.reason) ? last : undefined;
      },
      withinMs,
    ).catch(async (error: unknown) => {
      const said = (await this.events(runId)).slice(-5).join("\n");
      throw new Error(`${(error as Error).message}; it is ${JSON.stringify(last)}, and said last:\n${said}`);
    });
  }

  /** Resolves when the run's process is stored and no pod of it is left at work. */
  async untilStored(runId: string, withinMs?: number): Promise<CheckpointView> {
    const checkpoint = await this.untilParked(runId, "process", /./, withinMs);
    await this.untilNoPod(runId);
    return checkpoint;
  }

  untilNoPod(runId: string): Promise<true> {
    return eventually(`no pod of ${runId}`, async () => {
      const pods = await this.pods.podsOf(runId);
      return pods.every(({ status }) => ["Succeeded", "Failed"].includes(status.phase)) || undefined;
    });
  }

  untilPod(runId: string, fits: (pod: Pod) => boolean = () => true): Promise<Pod> {
    return eventually(`a pod of ${runId}`, async () =>
      (await this.pods.podsOf(runId)).find(
        (pod) => pod.status.phase === "Running" && pod.metadata.deletionTimestamp === undefined && fits(pod),
      ),
    );
  }

  /** What the run's trace says, in order. */
  async events(runId: string): Promise<string[]> {
    const { events } = await this.api.call<{ events: { message: string }[] }>("GET", `/api/v1/runs/${runId}/events`);
    return events.map(({ message }) => message);
  }

  untilSaid(runId: string, fits: RegExp, withinMs?: number): Promise<string> {
    return eventually(
      `an event of ${runId} like ${fits}`,
      async () => (await this.events(runId)).find((message) => fits.test(message)),
      withinMs,
    );
  }

  /** Resolves with the ended run. Error: it ended otherwise, with what it said. */
  async ended<T = Record<string, unknown>>(
    runId: string,
    status = "COMPLETED",
    withinMs?: number,
  ): Promise<RunView & { output: T }> {
    const run = await eventually(
      `the end of ${runId}`,
      async () => {
        const view = await this.api.run(runId);
        return FINAL.test(view.status) ? view : undefined;
      },
      withinMs,
    );
    if (run.status === status) return run as RunView & { output: T };
    const said = (await this.events(runId)).join("\n");
    throw new Error(`${runId} is ${run.status}, not ${status}: ${JSON.stringify(run.error ?? run.output)}\n${said}`);
  }
}
