import type { BusMessage } from "./bus.ts";
import { coalesced } from "./bus-envelope.ts";

/** More than so many wait for a bus that is away only to be dropped: whoever missed them has a timer. */
const MOST = 10_000;

/** Sends the first message at once, and what comes within `gapMs` after it together. */
export class Outbox {
  readonly #gapMs: number;
  readonly #send: (messages: BusMessage[]) => void;
  #waiting: BusMessage[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(gapMs: number, send: (messages: BusMessage[]) => void) {
    this.#gapMs = gapMs;
    this.#send = send;
  }

  add(message: BusMessage): void {
    if (this.#isClosed || this.#waiting.length >= MOST) return;
    this.#waiting.push(message);
    if (this.#timer === undefined) this.#rest(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#flush();
  }

  #rest(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#waiting.length === 0) return;
      this.#flush();
      this.#rest(this.#gapMs);
    }, ms);
    this.#timer.unref();
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) this.#send(coalesced(waiting));
  }
}
