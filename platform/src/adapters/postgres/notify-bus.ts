import { randomUUID } from "node:crypto";
import type { Bus, BusMessage } from "../../cluster/bus.ts";
import { openEnvelope, sealEnvelopes } from "../../cluster/bus-envelope.ts";
import { Complaint } from "../../cluster/complaint.ts";
import { Outbox } from "../../cluster/outbox.ts";
import type { Logger } from "../../logging.ts";
import { DirectConnection } from "./direct-connection.ts";

const CHANNEL = "gantry_bus";
/** NOTIFY serialises the commits of a whole server for a moment: not in every trigger's transaction, and not oftener than this. */
const GAP_MS = 5;
/** Postgres refuses a payload of 8000 bytes. */
const MAX_BYTES = 7_900;
const AWAY = "the connection for NOTIFY is away: replicas hear of each other's work later";

/** LISTEN and NOTIFY on one session of its own, for several replicas without a Redis. */
export class NotifyBus implements Bus {
  readonly name = "postgres";
  readonly #self = randomUUID();
  readonly #listeners: ((message: BusMessage) => void)[] = [];
  readonly #onBack: (() => void)[] = [];
  #wasUp = false;
  readonly #complaint: Complaint;
  readonly #connection: DirectConnection;
  readonly #outbox = new Outbox(GAP_MS, (messages) => this.#send(messages));

  constructor(options: { connectionString: string; logger: Pick<Logger, "warn" | "info"> }) {
    this.#complaint = new Complaint(options.logger);
    this.#connection = new DirectConnection({
      connectionString: options.connectionString,
      applicationName: "gantry bus",
      pingMs: 5_000,
      timeoutMs: 5_000,
      onUp: async (client) => {
        client.on("notification", ({ payload = "" }) => {
          for (const message of openEnvelope(payload, this.#self))
            for (const listener of this.#listeners) listener(message);
        });
        await client.query(`listen ${CHANNEL}`);
        this.#complaint.over("the connection for NOTIFY is back");
        if (this.#wasUp) for (const listener of this.#onBack) listener();
        this.#wasUp = true;
      },
      onDown: (error) => this.#complaint.about(error, AWAY),
    });
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
    await this.#connection.close();
  }

  #send(messages: BusMessage[]): void {
    // Dropped: that the session is away was said when it was lost.
    if (this.#connection.client === undefined) return;
    const texts = sealEnvelopes(this.#self, messages, MAX_BYTES);
    this.#connection
      .query({ name: "notify", text: `select pg_notify('${CHANNEL}', t) from unnest($1::text[]) t`, values: [texts] })
      .catch((error: unknown) => this.#complaint.about(error, AWAY));
  }
}
