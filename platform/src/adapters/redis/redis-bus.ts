import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import type { Bus, BusMessage } from "../../cluster/bus.ts";
import { openEnvelope, sealEnvelopes } from "../../cluster/bus-envelope.ts";
import { Complaint } from "../../cluster/complaint.ts";
import { Outbox } from "../../cluster/outbox.ts";
import type { Logger } from "../../logging.ts";
import { connectRedis } from "./redis-connection.ts";

const GAP_MS = 1;
const MAX_BYTES = 256 * 1024;

/**
 * Pub/sub of Redis. One that is away costs time only: what is published meanwhile is dropped, and both connections come
 * back by themselves.
 */
export class RedisBus implements Bus {
  readonly name = "redis";
  readonly #self = randomUUID();
  readonly #channel: string;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #listeners: ((message: BusMessage) => void)[] = [];
  readonly #onBack: (() => void)[] = [];
  #wasUp = false;
  readonly #complaint: Complaint;
  readonly #outbox = new Outbox(GAP_MS, (messages) => this.#send(messages));

  /** `installation` keeps platforms apart that share a Redis. */
  constructor(options: { url: string; installation: string; logger: Pick<Logger, "warn" | "info"> }) {
    this.#channel = `gantry:${options.installation}:bus`;
    this.#complaint = new Complaint(options.logger);
    const onError = (error: unknown) =>
      this.#complaint.about(error, "Redis is away: replicas hear of each other's work later");
    this.#publisher = connectRedis(options.url, onError);
    this.#subscriber = connectRedis(options.url, onError);
    this.#publisher.on("ready", () => this.#complaint.over("Redis is back"));
    this.#subscriber.on("message", (_channel: string, text: string) => {
      for (const message of openEnvelope(text, this.#self)) for (const listener of this.#listeners) listener(message);
    });
    // Again after each reconnect: ioredis does so only for what it once subscribed to.
    this.#subscriber.on("ready", () => void this.#listen().catch(onError));
  }

  publish(message: BusMessage): void {
    this.#outbox.add(message);
  }

  subscribe(listener: (message: BusMessage) => void): void {
    this.#listeners.push(listener);
  }

  onBack(listener: () => void): void {
    this.#onBack.push(listener);
  }

  async close(): Promise<void> {
    this.#outbox.close();
    this.#listeners.length = 0;
    this.#onBack.length = 0;
    await this.#publisher.quit().catch(() => undefined);
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
  }

  async #listen(): Promise<void> {
    await this.#subscriber.subscribe(this.#channel);
    if (this.#wasUp) for (const listener of this.#onBack) listener();
    this.#wasUp = true;
  }

  #send(messages: BusMessage[]): void {
    // Dropped: that Redis is away was said when it was lost.
    if (this.#publisher.status !== "ready") return;
    for (const text of sealEnvelopes(this.#self, messages, MAX_BYTES)) {
      this.#publisher.publish(this.#channel, text).catch((error: unknown) => {
        this.#complaint.about(error, "Redis is away: replicas hear of each other's work later");
      });
    }
  }
}
