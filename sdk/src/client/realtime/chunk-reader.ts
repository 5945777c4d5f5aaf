import type { StreamDirection, StreamReadEnd } from "../../contract/api/streams.ts";
import type { StreamChunk } from "../../contract/realtime.ts";
import type { ResolvedConfig } from "../configuration.ts";
import { sendForLines } from "../http.ts";
import { LiveObserver, type LiveOptions } from "./live-observer.ts";
import type { LiveStatus } from "./live-state.ts";
import type { LiveMessage, LiveRequest } from "./live-subscriber.ts";

/** One chunk of a stream, as a value. */
export interface StreamPart<T> {
  /** From 0, without gaps. */
  index: number;
  chunk: T;
  at: Date;
}

export interface StreamReference {
  runId: string;
  /** The stream's id. */
  stream: string;
  /** Default: output, what the run writes. */
  direction?: StreamDirection | undefined;
}

export interface StreamReadOptions extends LiveOptions {
  /** Index of the first chunk wanted, or `latest`: only what comes from now on. Default 0. */
  from?: number | "latest" | undefined;
}

/** The first look over REST takes what is there; the following ones stay for new chunks so long. */
const LONG_POLL_SECONDS = 20;

/** Reads a stream in order, each chunk once, whether chunks are pushed or asked for. */
export abstract class ChunkReader<T, S extends LiveStatus> extends LiveObserver<S> {
  readonly #reference: StreamReference;
  #next: number | "latest";
  #looks = 0;

  constructor(reference: StreamReference, options: StreamReadOptions, initial: S) {
    super(options, initial);
    this.#reference = reference;
    this.#next = options.from ?? 0;
  }

  /** A promise: no more until it resolves. */
  protected abstract take(parts: StreamPart<T>[], isEnded: boolean): void | Promise<void>;

  protected request(): LiveRequest {
    const { runId, stream, direction } = this.#reference;
    return {
      event: "readStream",
      request: { runId, stream, from: this.#next, ...(direction && { direction }) },
    };
  }

  protected receive(message: LiveMessage): void {
    if (message.kind === "chunks") void this.#accept(message.chunks, message.isEnded);
  }

  protected async poll(config: ResolvedConfig): Promise<boolean> {
    const { runId, stream, direction } = this.#reference;
    const input = direction === "input" ? "input/" : "";
    const lines = sendForLines<StreamChunk | StreamReadEnd>(config, {
      method: "GET",
      path: `/realtime/v1/streams/${encodeURIComponent(runId)}/${input}${encodeURIComponent(stream)}`,
      query: { from: this.#next, timeoutInSeconds: this.#looks++ === 0 ? 0 : LONG_POLL_SECONDS },
      repeatable: "always",
    });
    let isNew = false;
    for await (const line of lines) {
      if ("index" in line) isNew = (await this.#accept([line], false)) || isNew;
      else {
        this.#next = line.next;
        await this.#accept([], line.isEnded);
      }
    }
    return isNew;
  }

  async #accept(chunks: StreamChunk[], isEnded: boolean): Promise<boolean> {
    const next = this.#next;
    const fresh = typeof next === "number" ? chunks.filter(({ index }) => index >= next) : chunks;
    const last = fresh.at(-1);
    if (last !== undefined) this.#next = last.index + 1;
    if (fresh.length === 0 && !isEnded) return false;
    await this.take(
      fresh.map(({ index, data, at }) => ({ index, chunk: JSON.parse(data) as T, at: new Date(at) })),
      isEnded,
    );
    return true;
  }
}
