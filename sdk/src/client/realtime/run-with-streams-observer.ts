import type { StreamListReply } from "../../contract/api/streams.ts";
import { send } from "../http.ts";
import type { AnyTask } from "../run-handle.ts";
import { TokenSource } from "./access-token.ts";
import { Coalesced } from "./coalesced.ts";
import { DEFAULT_THROTTLE_MS } from "./live-observer.ts";
import type { LiveStatus } from "./live-state.ts";
import { Poller } from "./poller.ts";
import { RunObserver, type RunObserverOptions, type RunSnapshot } from "./run-observer.ts";
import { StreamObserver } from "./stream-observer.ts";

export type StreamParts<TStreams extends Record<string, unknown>> = { [K in keyof TStreams]?: readonly TStreams[K][] };

export interface RunWithStreamsSnapshot<TTask extends AnyTask, TStreams extends Record<string, unknown>>
  extends RunSnapshot<TTask> {
  /** By the stream's id; a stream is there from its first chunk. */
  streams: StreamParts<TStreams>;
}

export interface RunWithStreamsOptions extends RunObserverOptions {
  /** Ids of the streams to read. Default: all output streams that the run has, each as soon as it is found. */
  streams?: readonly string[] | undefined;
}

/** Watches a run and reads its output streams: one snapshot of both. */
export class RunWithStreamsObserver<
  TTask extends AnyTask = AnyTask,
  TStreams extends Record<string, unknown> = Record<string, unknown>,
> {
  readonly #runId: string;
  readonly #options: RunWithStreamsOptions;
  readonly #state: Coalesced<RunWithStreamsSnapshot<TTask, TStreams>>;
  readonly #run: RunObserver<TTask>;
  readonly #streams = new Map<string, StreamObserver>();
  readonly #discovery: Poller;
  /** The token of requests for the list of streams. */
  readonly #tokens: TokenSource;
  #leaves: (() => void)[] = [];
  /** All streams that the ended run has are known. */
  #isComplete = false;

  constructor(runId: string, options: RunWithStreamsOptions) {
    this.#runId = runId;
    this.#options = options;
    this.#tokens = new TokenSource(options.accessToken);
    this.#run = new RunObserver<TTask>(runId, { ...options, throttleInMs: 0 });
    this.#state = new Coalesced(
      { ...this.#run.getSnapshot(), streams: {} },
      options.throttleInMs ?? DEFAULT_THROTTLE_MS,
    );
    this.#discovery = new Poller({
      poll: (signal) => this.#discover(signal),
      onAnswer: () => undefined,
      onSilence: () => undefined,
      onRefused: (error) => this.#state.set({ ...this.#state.latest, error }),
    });
    for (const stream of options.streams ?? []) this.#streams.set(stream, this.#reader(stream));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#state.listen(own);
    if (this.#state.listenerCount === 1) this.#start();
    return () => {
      this.#state.unlisten(own);
      if (this.#state.listenerCount === 0) this.#pause();
    };
  };

  readonly getSnapshot = (): RunWithStreamsSnapshot<TTask, TStreams> => this.#state.value;

  /** Ends the watching of run and streams; the last snapshot stays. */
  readonly stop = (): void => {
    this.#discovery.stop();
    this.#run.stop();
    for (const reader of this.#streams.values()) reader.stop();
  };

  #start(): void {
    this.#leaves = [this.#run.subscribe(() => this.#onRun())];
    for (const reader of this.#streams.values()) this.#leaves.push(reader.subscribe(() => this.#combine()));
    if (this.#options.streams === undefined) this.#discovery.start();
  }

  #pause(): void {
    this.#discovery.stop();
    for (const leave of this.#leaves) leave();
    this.#leaves = [];
  }

  #onRun(): void {
    const { run, connection } = this.#run.getSnapshot();
    // What it wrote last is found by one more look.
    if (connection === "closed") void this.#lastLook(run !== undefined);
    this.#combine();
  }

  async #lastLook(isWorthwhile: boolean): Promise<void> {
    this.#discovery.stop();
    if (isWorthwhile && this.#options.streams === undefined)
      await this.#discover(new AbortController().signal).catch(() => undefined);
    this.#isComplete = true;
    this.#combine();
  }

  async #discover(signal: AbortSignal): Promise<boolean> {
    const { data } = await this.#tokens.with((token) => this.#list(token, signal));
    const fresh = data.data.filter(({ id, direction }) => direction === "output" && !this.#streams.has(id));
    for (const { id } of fresh) {
      const reader = this.#reader(id);
      this.#streams.set(id, reader);
      if (this.#state.listenerCount > 0) this.#leaves.push(reader.subscribe(() => this.#combine()));
    }
    return fresh.length > 0;
  }

  #list(token: string, signal: AbortSignal) {
    const { baseUrl, requestOptions } = this.#options;
    return send<StreamListReply>(
      { baseUrl, token, requestOptions: { ...requestOptions, signal, retry: { maxAttempts: 1 } } },
      { method: "GET", path: `/api/v1/runs/${encodeURIComponent(this.#runId)}/streams`, repeatable: "always" },
    );
  }

  #reader(stream: string): StreamObserver {
    return new StreamObserver({ runId: this.#runId, stream }, { ...this.#options, throttleInMs: 0 });
  }

  /** The run's; once it has ended, that of a stream that still comes. */
  #status(): LiveStatus {
    const { connection, connectionReason, error } = this.#run.getSnapshot();
    if (connectionReason !== "ENDED") return { connection, connectionReason, error };
    const readers = [...this.#streams.values()].map((reader) => reader.getSnapshot());
    const open = readers.find((reader) => reader.connection !== "closed");
    if (open !== undefined) return { connection: open.connection, connectionReason: open.connectionReason, error };
    if (!this.#isComplete) return { connection: "live", connectionReason: "SOCKET_OPEN", error };
    return { connection, connectionReason, error: error ?? readers.find((reader) => reader.error)?.error };
  }

  #combine(): void {
    const before = this.#state.latest;
    const streams: Record<string, readonly unknown[]> = {};
    for (const [id, reader] of this.#streams) {
      const { parts } = reader.getSnapshot();
      const known = before.streams[id];
      if (parts.length === 0) continue;
      streams[id] = known?.length === parts.length ? known : parts.map(({ chunk }) => chunk);
    }
    this.#state.set({ ...this.#run.getSnapshot(), ...this.#status(), streams: streams as StreamParts<TStreams> });
  }
}
