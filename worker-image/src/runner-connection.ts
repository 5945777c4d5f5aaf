import { existsSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { inOwnRegion } from "@gantry/sdk/task";
import { encodeMessage, readMessages } from "./line-protocol.ts";
import type { AttemptRef, FromTaskProcess, OutcomeMessage, ToTaskProcess } from "./process-messages.ts";

const RECONNECT_MS = 100;
const LOOK_AGAIN_MS = 10;
/** A runner that is gone for this long does not come back: the process ends, for nobody could take its result. */
const GONE_AFTER_MS = 3_000;
/** How often it is looked whether a pause is over, and how many times: while it is stopped it does not look. */
const LOOK_MS = 5;
const LOOKS = 60_000 / LOOK_MS;

export interface ConnectionOptions {
  socket: string;
  key: string;
  /** The attempt this process works on or last finished. */
  holds: () => AttemptRef | undefined;
  /** What is to be said again on each new connection. */
  unsaid: () => FromTaskProcess[];
  /** Called with each new socket. */
  onSocket: (socket: Socket) => void;
  onMessage: (message: ToTaskProcess) => void;
  /** The runner is gone for good. */
  onGone: () => void;
}

/**
 * The task process's side of the socket to its runner. It can be closed and opened again; what was not delivered is sent
 * then, the outcome first of all.
 */
export class RunnerConnection {
  readonly #options: ConnectionOptions;
  #socket: Socket | undefined;
  #isOpen = false;
  #isClosing = false;
  #isRef = true;
  #unsent: string[] = [];
  #soon = "";
  /** Kept until the next grant shows that the runner has it. */
  #outcome: string | undefined;
  #lostAt = 0;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  open(): void {
    this.#isClosing = false;
    const socket = inOwnRegion(() => connect(this.#options.socket));
    this.#socket = socket;
    this.#options.onSocket(socket);
    if (!this.#isRef) socket.unref();
    socket.on("connect", () => this.#opened(socket));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#closed(socket));
    readMessages<ToTaskProcess>(socket, this.#options.onMessage);
  }

  /** Closes the socket once all is out; `open` connects again. Nothing is lost in between. */
  async close(): Promise<void> {
    await this.flush();
    this.#isClosing = true;
    await new Promise<void>((resolve) => (this.#socket ? this.#socket.end(resolve) : resolve()));
  }

  /**
   * Sends what waits, lets go of the socket, and opens another once the file exists: this process may be stored meanwhile, and
   * what follows happen in another pod. What is sent in between waits.
   */
  async pause(until: string): Promise<void> {
    this.#write("");
    await this.flush();
    this.#isClosing = true;
    this.#isOpen = false;
    // Not `end`: when the runner sees the end, nothing may be left of it here.
    this.#socket?.destroy();
    for (let looks = 0; !existsSync(until); looks++) {
      if (looks === LOOKS) return this.#options.onGone();
      await inOwnRegion(() => pause(LOOK_MS));
    }
    this.open();
  }

  /** Written at once where the socket is open: a line that precedes a crash must not wait in this process. */
  send(message: FromTaskProcess): void {
    this.#write(encodeMessage(message));
  }

  /** Not at all between two connections: the sender has it among what is `unsaid` then. */
  sendIfOpen(message: FromTaskProcess): void {
    if (this.#isOpen) this.#write(encodeMessage(message));
  }

  /** Written with the next message, or at the end of this turn of the event loop. */
  sendSoon(message: FromTaskProcess): void {
    this.#soon += encodeMessage(message);
    inOwnRegion(() => setImmediate(() => this.#write("")));
  }

  sendOutcome(message: OutcomeMessage): void {
    this.#outcome = encodeMessage(message);
    if (this.#isOpen) this.#write(this.#outcome);
  }

  #write(text: string): void {
    const lines = this.#soon + text;
    this.#soon = "";
    if (lines === "") return;
    if (this.#isOpen) inOwnRegion(() => this.#socket?.write(lines));
    else this.#unsent.push(lines);
  }

  /** The runner has the last outcome: it sent something newer. */
  forgetOutcome(): void {
    this.#outcome = undefined;
  }

  /** Resolves when what was sent so far is in the kernel's hands. */
  async flush(): Promise<void> {
    while (!this.#isOpen || this.#socket?.writableLength !== 0) {
      // Between two connections there is nothing to wait for but the next.
      if (!this.#isOpen) await inOwnRegion(() => pause(LOOK_AGAIN_MS));
      else await written(this.#socket as Socket);
    }
  }

  /** Whether the open socket alone keeps this process alive. It must not while a function runs: see stalled-function.ts. */
  keepAlive(isKept: boolean): void {
    this.#isRef = isKept;
    if (isKept) this.#socket?.ref();
    else this.#socket?.unref();
  }

  #opened(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#isOpen = true;
    this.#lostAt = 0;
    const holds = this.#options.holds();
    const hello: FromTaskProcess = { t: "hello", key: this.#options.key, ...(holds ? { holds } : {}) };
    const lines = [encodeMessage(hello), ...this.#unsent, ...this.#options.unsaid().map(encodeMessage)];
    if (this.#outcome !== undefined) lines.push(this.#outcome);
    this.#unsent = [];
    socket.write(lines.join(""));
  }

  #closed(socket: Socket): void {
    if (this.#socket !== socket) return;
    this.#isOpen = false;
    if (this.#isClosing) return;
    this.#lostAt ||= Date.now();
    if (Date.now() - this.#lostAt > GONE_AFTER_MS) return this.#options.onGone();
    setTimeout(() => this.open(), RECONNECT_MS);
  }
}

/** Resolves when what was written so far is in the kernel's hands, or the socket has closed. */
function written(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", resolve);
    socket.write("", () => {
      socket.off("close", resolve);
      resolve();
    });
  });
}
