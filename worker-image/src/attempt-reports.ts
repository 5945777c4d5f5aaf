import type { RunEvent } from "@gantry/sdk/contract";
import { LogLimit } from "./log-limits.ts";
import type { Request } from "./platform-link.ts";
import type { MetadataChange } from "./process-messages.ts";
import { WaitingMetadata } from "./waiting-metadata.ts";

const BATCH_EVENTS = 500;
const BATCH_CHARACTERS = 1024 * 1024;

/**
 * Events and metadata of one execution on their way to the platform. At most one request of each kind is on its way while
 * the attempt runs; what comes meanwhile is collected, so a platform that is away costs little. `sendAll` sends the rest.
 */
export class AttemptReports {
  readonly #ref: { executionId: string; fence: string };
  readonly #request: (request: Request) => Promise<unknown>;
  #attempt: number;
  #limit = new LogLimit();
  #events: RunEvent[] = [];
  #metadata = new WaitingMetadata();
  #eventBatch = 0;
  #metadataBatch = 0;
  #isSendingEvents = false;
  #isSendingMetadata = false;

  constructor(
    ref: { executionId: string; fence: string },
    attempt: number,
    request: (request: Request) => Promise<unknown>,
  ) {
    this.#ref = ref;
    this.#attempt = attempt;
    this.#request = request;
  }

  beginAttempt(attempt: number): void {
    this.#attempt = attempt;
    this.#limit = new LogLimit();
  }

  /** True once the attempt's log limit is reached. */
  get isFull(): boolean {
    return this.#limit.isFull;
  }

  /** User output: limited. */
  log(event: RunEvent): void {
    const kept = this.#limit.admit(event);
    if (kept) this.#events.push(kept);
  }

  /** What the runner itself has to say; `data` is for who draws a timeline of it. */
  note(level: RunEvent["level"], message: string, data?: object): void {
    const text = data === undefined ? {} : { data: JSON.stringify(data) };
    this.#events.push({ at: Date.now(), kind: "event", level, message, ...text });
  }

  metadata(change: MetadataChange): void {
    this.#metadata.add(change);
  }

  get isEmpty(): boolean {
    return this.#events.length === 0 && this.#metadata.isEmpty;
  }

  /** Sends what waits, unless a request of its kind has no answer yet. */
  async send(): Promise<void> {
    await Promise.all([this.#sendEventsInTurn(), this.sendMetadata()]);
  }

  /** Sends everything now, whatever is on its way: the attempt has ended, and its outcome follows. */
  sendAll(): void {
    while (this.#events.length > 0) void this.#sendEvents();
    if (!this.#metadata.isEmpty) void this.#sendMetadata();
  }

  async #sendEventsInTurn(): Promise<void> {
    if (this.#isSendingEvents) return;
    this.#isSendingEvents = true;
    while (this.#events.length > 0) await this.#sendEvents();
    this.#isSendingEvents = false;
  }

  /** Sends the metadata that waits, unless some is on its way: then it follows. */
  async sendMetadata(): Promise<void> {
    if (this.#isSendingMetadata) return;
    this.#isSendingMetadata = true;
    while (!this.#metadata.isEmpty) await this.#sendMetadata();
    this.#isSendingMetadata = false;
  }

  #sendEvents(): Promise<unknown> {
    let characters = 0;
    let count = 0;
    while (count < this.#events.length && count < BATCH_EVENTS && characters < BATCH_CHARACTERS) {
      const event = this.#events[count++] as RunEvent;
      characters += event.message.length + (event.data?.length ?? 0);
    }
    const events = this.#events.splice(0, count);
    return this.#request({ type: "events", ...this.#ref, batch: this.#eventBatch++, attempt: this.#attempt, events });
  }

  #sendMetadata(): Promise<unknown> {
    const change = { operations: [], ...this.#metadata.take() };
    return this.#request({ type: "metadata", ...this.#ref, batch: this.#metadataBatch++, ...change });
  }
}
