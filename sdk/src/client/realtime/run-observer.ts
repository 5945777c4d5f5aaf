import type { ResolvedConfig } from "../configuration.ts";
import type { AnyTask } from "../run-handle.ts";
import { requestRunReply } from "../run-request.ts";
import { LiveObserver, type LiveOptions } from "./live-observer.ts";
import { type ArrivedRun, decodeRun, isElsewhere, type RealtimeRun, withPayloadOf } from "./live-run.ts";
import type { LiveStatus } from "./live-state.ts";
import type { LiveMessage, LiveRequest } from "./live-subscriber.ts";

export interface RunSnapshot<TTask extends AnyTask = AnyTask> extends LiveStatus {
  /** Undefined until the first word of it. */
  run: RealtimeRun<TTask> | undefined;
}

export interface RunObserverOptions extends LiveOptions {
  /** Ends the watching when the run has ended. Default true; false where children still write its metadata. */
  stopOnCompletion?: boolean | undefined;
  /** Fields that are not to be sent. */
  skip?: ("payload" | "output")[] | undefined;
}

/** Watches one run until it has ended. */
export class RunObserver<TTask extends AnyTask = AnyTask> extends LiveObserver<RunSnapshot<TTask>> {
  readonly #runId: string;
  readonly #options: RunObserverOptions;
  /** The newest that came, decoded or not. */
  #newest: ArrivedRun | undefined;
  #decoding: Promise<void> | undefined;

  constructor(runId: string, options: RunObserverOptions) {
    super(options, { run: undefined, error: undefined, connection: "connecting", connectionReason: "STARTING" });
    this.#runId = runId;
    this.#options = options;
  }

  protected request(): LiveRequest {
    const { skip } = this.#options;
    const revision = this.latest.run?.revision;
    return {
      event: "subscribe",
      request: {
        target: { kind: "run", runId: this.#runId },
        ...(revision === undefined ? {} : { since: { [this.#runId]: revision } }),
        ...(skip?.length ? { skip } : {}),
      },
    };
  }

  protected receive(message: LiveMessage): void {
    if (message.kind !== "snapshot" && message.kind !== "update") return;
    for (const run of message.runs) this.#take(run);
    // It had ended before, and there is nothing new of it.
    if (message.kind === "snapshot" && message.runs.length === 0) this.#concludeIfEnded();
  }

  protected async poll(config: ResolvedConfig): Promise<boolean> {
    const isNew = this.#take(await requestRunReply(config, this.#runId));
    await this.#decoding;
    return isNew;
  }

  /** Returns whether it is newer than what is known. */
  #take(live: ArrivedRun): boolean {
    if (!isNewer(live, this.#newest)) return false;
    this.#newest = withPayloadOf(live, this.#newest);
    this.#decoding ??= this.#decode().finally(() => {
      this.#decoding = undefined;
    });
    return true;
  }

  /** One after the other, the newest next: what came in between is passed over. */
  async #decode(): Promise<void> {
    let done: ArrivedRun | undefined;
    while (this.#newest !== undefined && this.#newest !== done && !this.isOver) {
      done = this.#newest;
      const before = this.latest.run;
      // What is fetched may take a while: the rest of the run is shown meanwhile.
      if (isElsewhere(done, before)) this.#show(await this.#decoded(withoutAddresses(done), before));
      try {
        this.#show(await this.#decoded(done, before));
      } catch (error) {
        this.fail(error as Error);
        return;
      }
    }
    this.#concludeIfEnded();
  }

  async #decoded(live: ArrivedRun, before: RealtimeRun | undefined): Promise<RealtimeRun<TTask>> {
    return (await decodeRun(this.#wanted(live), before, await this.config())) as RealtimeRun<TTask>;
  }

  #show(run: RealtimeRun<TTask>): void {
    this.change({ run });
  }

  /** A reply of the REST API has what the subscription left out. */
  #wanted(live: ArrivedRun): ArrivedRun {
    const wanted: ArrivedRun = { ...live };
    for (const field of this.#options.skip ?? []) {
      delete wanted[field];
      delete wanted[`${field}Meta`];
      delete wanted[`${field}PresignedUrl`];
    }
    return wanted;
  }

  #concludeIfEnded(): void {
    if (this.latest.run?.isCompleted && (this.#options.stopOnCompletion ?? true)) this.conclude("ENDED");
  }
}

/** What has no revision is taken as it comes. */
export function isNewer(live: Pick<ArrivedRun, "revision">, known: Pick<ArrivedRun, "revision"> | undefined): boolean {
  if (known?.revision === undefined || live.revision === undefined) return true;
  return live.revision > known.revision;
}

function withoutAddresses(live: ArrivedRun): ArrivedRun {
  const { payloadPresignedUrl: _payload, outputPresignedUrl: _output, ...rest } = live;
  return rest;
}
