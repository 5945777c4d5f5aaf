import {
  type PlatformMessage,
  type RunnerMessage,
  type RunnerRequest,
  WORKER_CHANNEL_PATH,
  WORKER_FRAME_BYTES,
} from "@gantry/sdk/contract";
import type { WebSocket } from "ws";
import type { Log } from "./log.ts";
import type { WorkerIdentity } from "./runner-config.ts";

export type Reply = Extract<PlatformMessage, { type: "reply" }>;
export type Push = Exclude<PlatformMessage, { type: "reply" }>;
type WithoutId<T> = T extends { id: string } ? Omit<T, "id"> : never;
export type Request = WithoutId<RunnerRequest>;

const FIRST_BACK_OFF_MS = 100;
const MAX_BACK_OFF_MS = 5_000;
/** A frame is sent when this many characters wait, so that one long message does not push the rest over the limit. */
const FRAME_CHARACTERS = 4 * 1024 * 1024;
const SILENT_AFTER_MS = 20_000;
/** The platform does not know this worker any more; asking again changes nothing. */
const REFUSALS = [401, 403, 410];

interface Pending {
  json: string;
  answer: (reply: Reply) => void;
  hasFailed: boolean;
}

export interface LinkOptions {
  url: string;
  hello: () => Omit<Extract<RunnerMessage, { type: "hello" }>, "id" | "type" | "workerId">;
  onWelcome: (welcome: NonNullable<Reply["welcome"]>) => void;
  onPush: (message: Push) => void;
  /** The platform refuses the token: its HTTP status. */
  onRefused: (status: number) => void;
  /** Asked before each frame: what else should go with it. */
  beforeFrame: () => RunnerMessage | undefined;
  log: Log;
}

/**
 * The runner's WebSocket to the platform. Messages of one turn of the event loop travel in one frame; requests are sent
 * again, in order, after each reconnect until they are answered.
 */
export class PlatformLink {
  readonly #options: LinkOptions;
  readonly #pending = new Map<string, Pending>();
  /** Requests of this connection alone. */
  readonly #asked = new Map<string, (reply: Reply) => void>();
  #identity: WorkerIdentity | undefined;
  #socket: WebSocket | undefined;
  #isWelcome = false;
  #isClosed = false;
  #outgoing: string[] = [];
  #isScheduled = false;
  #nextId = 0;
  #backOffMs = FIRST_BACK_OFF_MS;
  #resendTimer: NodeJS.Timeout | undefined;
  #heardAt = 0;
  #offlineSince = performance.now();
  #welcomedAt = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#isWelcome;
  }

  /** Requests that have no answer yet. */
  get unanswered(): number {
    return this.#pending.size;
  }

  /** Milliseconds without the platform; 0 while connected. */
  get offlineMs(): number {
    return this.#isWelcome ? 0 : performance.now() - this.#offlineSince;
  }

  /** Milliseconds since the last welcome; 0 while the platform is away. */
  get connectedMs(): number {
    return this.#isWelcome ? performance.now() - this.#welcomedAt : 0;
  }

  /** Whether it has been told who it is. */
  get isOpen(): boolean {
    return this.#identity !== undefined;
  }

  /** Connects, and again whenever the connection is lost, until it is closed. */
  open(identity: WorkerIdentity): void {
    this.#identity = identity;
    this.#offlineSince = performance.now();
    void this.#connect(identity);
  }

  async #connect(identity: WorkerIdentity): Promise<void> {
    // Loaded only now: a task process can be booting meanwhile.
    const { WebSocket } = await import("ws");
    if (this.#isClosed) return;
    const url = new URL(WORKER_CHANNEL_PATH, this.#options.url.replace(/^http/, "ws"));
    const socket = new WebSocket(url, {
      headers: { authorization: `Bearer ${identity.token}` },
      perMessageDeflate: false,
      maxPayload: WORKER_FRAME_BYTES,
      handshakeTimeout: 10_000,
    });
    this.#socket = socket;
    socket.on("open", () => this.#sayHello(identity));
    socket.on("message", (data) => this.#receive(String(data)));
    socket.on("ping", () => (this.#heardAt = performance.now()));
    socket.on("unexpected-response", (_request, response) => this.#refused(socket, response.statusCode ?? 0));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#lost(socket, identity));
  }

  /** Sent once, or not at all while offline. */
  send(message: RunnerMessage): void {
    if (this.#isWelcome) this.#queue(JSON.stringify(message));
  }

  /** Sent until it is answered. */
  request(request: Request): Promise<Reply> {
    const id = this.#id();
    const json = JSON.stringify({ ...request, id });
    return new Promise((answer) => {
      this.#pending.set(id, { json, answer, hasFailed: false });
      if (this.#isWelcome) this.#queue(json);
    });
  }

  /** Sent once; forgotten with the connection: the answer may never come. */
  ask(request: Request, onReply: (reply: Reply) => void): void {
    if (!this.#isWelcome) return;
    const id = this.#id();
    this.#asked.set(id, onReply);
    this.#queue(JSON.stringify({ ...request, id }));
  }

  /** Makes a frame go out soon: `beforeFrame` has something to say. */
  touch(): void {
    if (this.#isWelcome) this.#schedule();
  }

  /** Ends a connection on which nothing was heard for too long; a new one follows. */
  checkLiveness(): void {
    if (this.#isWelcome && performance.now() - this.#heardAt > SILENT_AFTER_MS) this.#socket?.terminate();
  }

  /** Sends what waits, then closes for good. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#resendTimer);
    this.#flush();
    const socket = this.#socket;
    if (!socket || socket.readyState === socket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.close(1000);
    setTimeout(() => socket.terminate(), 500).unref();
    await closed;
  }

  #id(): string {
    return (this.#nextId++).toString(36);
  }

  #sayHello({ workerId }: WorkerIdentity): void {
    this.#heardAt = performance.now();
    const id = this.#id();
    this.#asked.set(id, (reply) => this.#welcomed(reply));
    this.#socket?.send(JSON.stringify([{ type: "hello", id, workerId, ...this.#options.hello() }]));
  }

  #welcomed(reply: Reply): void {
    if (!reply.welcome) {
      this.#options.log("warn", "the platform did not welcome this runner", { error: reply.error });
      return this.#socket?.close();
    }
    this.#isWelcome = true;
    this.#welcomedAt = performance.now();
    this.#backOffMs = FIRST_BACK_OFF_MS;
    this.#options.onWelcome(reply.welcome);
    for (const pending of this.#pending.values()) {
      pending.hasFailed = false;
      this.#queue(pending.json);
    }
    this.#schedule();
  }

  #receive(text: string): void {
    this.#heardAt = performance.now();
    for (const message of JSON.parse(text) as PlatformMessage[]) {
      if (message.type === "reply") this.#replied(message);
      else this.#options.onPush(message);
    }
  }

  #replied(reply: Reply): void {
    const pending = this.#pending.get(reply.id);
    if (!pending) {
      const asked = this.#asked.get(reply.id);
      this.#asked.delete(reply.id);
      return asked?.(reply);
    }
    if (reply.error?.retryable) return this.#sendAgainLater(pending);
    this.#backOffMs = FIRST_BACK_OFF_MS;
    this.#pending.delete(reply.id);
    pending.answer(reply);
  }

  /** The platform could not carry it out now. All that failed so goes again after a pause, in its order. */
  #sendAgainLater(pending: Pending): void {
    pending.hasFailed = true;
    this.#resendTimer ??= setTimeout(() => {
      this.#resendTimer = undefined;
      if (!this.#isWelcome) return;
      for (const each of this.#pending.values()) {
        if (each.hasFailed) this.#queue(each.json);
        each.hasFailed = false;
      }
    }, this.#nextBackOff());
  }

  #queue(json: string): void {
    this.#outgoing.push(json);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    if (!this.#isWelcome) return;
    const last = this.#options.beforeFrame();
    if (last) this.#outgoing.push(JSON.stringify(last));
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    for (const frame of frames(outgoing)) this.#socket?.send(frame);
  }

  #refused(socket: WebSocket, status: number): void {
    if (REFUSALS.includes(status)) {
      this.#isClosed = true;
      this.#options.onRefused(status);
    }
    socket.terminate();
  }

  #lost(socket: WebSocket, identity: WorkerIdentity): void {
    if (this.#socket !== socket) return;
    if (this.#isWelcome) this.#offlineSince = performance.now();
    this.#isWelcome = false;
    this.#outgoing = [];
    this.#asked.clear();
    if (!this.#isClosed) setTimeout(() => void this.#connect(identity), this.#nextBackOff());
  }

  #nextBackOff(): number {
    const pauseMs = this.#backOffMs * (0.5 + Math.random());
    this.#backOffMs = Math.min(MAX_BACK_OFF_MS, this.#backOffMs * 2);
    return pauseMs;
  }
}

/** JSON arrays of the messages, each at most about FRAME_CHARACTERS long unless one message alone is longer. */
export function* frames(messages: string[]): Generator<string> {
  let from = 0;
  let characters = 0;
  for (let i = 0; i < messages.length; i++) {
    const length = (messages[i] as string).length;
    if (i > from && characters + length > FRAME_CHARACTERS) {
      yield `[${messages.slice(from, i).join(",")}]`;
      from = i;
      characters = 0;
    }
    characters += length;
  }
  if (from < messages.length) yield `[${messages.slice(from).join(",")}]`;
}
