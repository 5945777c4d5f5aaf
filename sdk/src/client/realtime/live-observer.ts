import { normalizeBaseUrl, type ResolvedConfig } from "../configuration.ts";
import type { RequestOptions } from "../request-options.ts";
import type { AccessToken } from "./access-token.ts";
import { Coalesced } from "./coalesced.ts";
import type { ConnectionReason, ConnectionState, LiveStatus } from "./live-state.ts";
import type { LiveMessage, LiveRequest, LiveSubscriber, SocketStatus } from "./live-subscriber.ts";
import { Poller } from "./poller.ts";
import { acquireSocket, type LiveConnection } from "./socket-pool.ts";

export interface LiveOptions {
  /** The platform's address. */
  baseUrl: string;
  /** Observers with the same token (or the same function) share one socket. */
  accessToken: AccessToken;
  /** For what is asked over REST. */
  requestOptions?: RequestOptions | undefined;
  /** Listeners are called at most once in so many milliseconds. Default 50. */
  throttleInMs?: number | undefined;
}

export const DEFAULT_THROTTLE_MS = 50;

/**
 * Watches something on the platform and holds how it is now, for `useSyncExternalStore` or by hand.
 *
 * It is connected while it has listeners: the first one starts it, when the last one leaves it pauses, and what was known stays.
 * Snapshots are immutable, and the same object until something changes. `stop()` ends it for good.
 */
export abstract class LiveObserver<S extends LiveStatus> {
  readonly #options: LiveOptions;
  readonly #state: Coalesced<S>;
  readonly #poller: Poller;
  #connection: LiveConnection | undefined;
  #leave: (() => void) | undefined;
  #isOver = false;

  constructor(options: LiveOptions, initial: S) {
    this.#options = { ...options, baseUrl: normalizeBaseUrl(options.baseUrl) };
    this.#state = new Coalesced(initial, options.throttleInMs ?? DEFAULT_THROTTLE_MS);
    this.#poller = new Poller({
      poll: (signal) => this.#poll(signal),
      onAnswer: () => this.say("polling", "SOCKET_UNAVAILABLE"),
      onSilence: () => this.say("connecting", "UNREACHABLE"),
      onRefused: (error) => this.fail(error),
    });
  }

  /** The listener is called after changes, without arguments: read `getSnapshot()`. Returns what takes it off again. */
  readonly subscribe = (listener: () => void): (() => void) => {
    const own = () => listener();
    this.#state.listen(own);
    if (this.#state.listenerCount === 1) this.#resume();
    return () => {
      this.#state.unlisten(own);
      if (this.#state.listenerCount === 0) this.#pause();
    };
  };

  readonly getSnapshot = (): S => this.#state.value;

  /** Ends the watching; the last snapshot stays. */
  readonly stop = (): void => {
    this.conclude("STOPPED");
  };

  /** What to subscribe to, and what of it is known. */
  protected abstract request(): LiveRequest;
  protected abstract receive(message: LiveMessage): void;
  /** Asks over REST. Returns whether something was new. */
  protected abstract poll(config: ResolvedConfig): Promise<boolean>;

  protected get latest(): S {
    return this.#state.latest;
  }

  protected get isOver(): boolean {
    return this.#isOver;
  }

  protected change(patch: Partial<S>): void {
    if (!this.#isOver) this.#state.set({ ...this.#state.latest, ...patch });
  }

  protected say(connection: ConnectionState, connectionReason: ConnectionReason): void {
    const { latest } = this.#state;
    if (latest.connection === connection && latest.connectionReason === connectionReason) return;
    this.change({ connection, connectionReason } as Partial<S>);
  }

  /** Nothing more can come. */
  protected conclude(connectionReason: ConnectionReason, error?: Error): void {
    if (this.#isOver) return;
    this.change({ connection: "closed", connectionReason, ...(error && { error }) } as Partial<S>);
    this.#isOver = true;
    this.#pause();
  }

  protected fail(error: Error): void {
    this.conclude("REFUSED", error);
  }

  /** For what a stream's reader has taken. */
  protected streamTaken(next: number): void {
    this.#connection?.socket.streamTaken(this.#subscriber, next);
  }

  /** The configuration of a request that needs it now. */
  protected async config(): Promise<ResolvedConfig> {
    const { baseUrl, accessToken, requestOptions = {} } = this.#options;
    const token = (await this.#connection?.tokens.current()) ?? (typeof accessToken === "string" ? accessToken : "");
    return { baseUrl, token, requestOptions };
  }

  readonly #subscriber: LiveSubscriber = {
    request: () => this.request(),
    onMessage: (message) => {
      if (!this.#isOver) this.receive(message);
    },
    onStatus: (status) => this.#onStatus(status),
    onRefused: (error) => this.fail(error),
  };

  #resume(): void {
    if (this.#isOver || this.#connection !== undefined) return;
    const { baseUrl, accessToken, requestOptions } = this.#options;
    const headers = requestOptions?.additionalHeaders;
    this.#connection = acquireSocket({
      baseUrl,
      accessToken,
      project: headers?.["x-gantry-project"],
      environment: headers?.["x-gantry-environment"],
      isRestOnly: requestOptions?.fetch !== undefined,
    });
    this.#leave = this.#connection.socket.add(this.#subscriber);
  }

  #pause(): void {
    this.#poller.stop();
    this.#leave?.();
    this.#connection?.release();
    this.#leave = undefined;
    this.#connection = undefined;
  }

  #onStatus(status: SocketStatus): void {
    if (this.#isOver) return;
    if (status.state === "refused") return this.fail(status.error);
    if (status.state === "down") return this.#poller.start();
    this.#poller.stop();
    this.say(status.state, status.reason);
  }

  async #poll(signal: AbortSignal): Promise<boolean> {
    const connection = this.#connection;
    const { baseUrl, requestOptions } = this.#options;
    if (connection === undefined) return false;
    return connection.tokens.with((token) =>
      this.poll({ baseUrl, token, requestOptions: { ...requestOptions, retry: { maxAttempts: 1 }, signal } }),
    );
  }
}
