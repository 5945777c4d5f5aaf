import pg from "pg";
import { SCHEMA } from "./pool.ts";

export interface DirectConnectionOptions {
  /** Past every transaction pooler: what is made here lives as long as the session. */
  connectionString: string;
  applicationName: string;
  /** How often it is asked whether it lives, and how long an answer may take. */
  pingMs: number;
  timeoutMs: number;
  /** On each new session, before it counts as up. A rejection ends it. */
  onUp(client: pg.Client): Promise<void>;
  /** At once when the session is lost; also where `onUp` rejected. */
  onDown(error: unknown): void;
}

const FIRST_RETRY_MS = 50;
const SLOWEST_RETRY_MS = 2_000;
/** The server drops the session of a machine that is gone within some 5 s, and with it its locks. */
export const SESSION = [
  `search_path=${SCHEMA}`,
  "timezone=UTC",
  "statement_timeout=5000",
  "tcp_keepalives_idle=2",
  "tcp_keepalives_interval=1",
  "tcp_keepalives_count=3",
  "tcp_user_timeout=4000",
];

/** One session of Postgres, kept for as long as it lives and made anew when it is lost. */
export class DirectConnection {
  readonly #options: DirectConnectionOptions;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #last: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(options: DirectConnectionOptions) {
    this.#options = options;
    void this.#connect();
  }

  /** The session that is up now. */
  get client(): pg.Client | undefined {
    return this.#client;
  }

  /** Asks one thing after another, as the driver wants it. Errors: the driver's; where there is no session. */
  async query<R extends pg.QueryResultRow>(query: pg.QueryConfig | string, client = this.#client): Promise<R[]> {
    if (client === undefined) throw new Error("There is no session of Postgres now.");
    const asked = this.#last.then(() => client.query<R>(query));
    this.#last = asked.catch(() => undefined);
    return (await asked).rows;
  }

  /** Ends the session, if there is one; none is made any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#retry);
    const client = this.#client;
    this.#client = undefined;
    this.#closing ??= (async () => void (await client?.end().catch(() => undefined)))();
    await this.#closing;
  }

  async #connect(): Promise<void> {
    const { connectionString, applicationName, timeoutMs, pingMs } = this.#options;
    const client = new pg.Client({
      connectionString,
      application_name: applicationName,
      connectionTimeoutMillis: 5_000,
      query_timeout: timeoutMs,
      keepAlive: true,
      options: SESSION.map((one) => `-c ${one}`).join(" "),
    });
    this.#last = Promise.resolve();
    let ping: NodeJS.Timeout | undefined;
    let isLost = false;
    const lost = (error: unknown) => {
      if (isLost) return;
      isLost = true;
      clearInterval(ping);
      if (this.#client === client) this.#client = undefined;
      // Not `end`: it would wait for a peer that may be gone.
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
      if (this.#isClosed) return;
      this.#options.onDown(error);
      this.#retry = setTimeout(() => void this.#connect(), this.#backOff());
      this.#retry.unref();
    };
    client.on("error", lost);
    client.on("end", () => lost(new Error("The connection to Postgres has ended.")));
    try {
      await client.connect();
      await this.#options.onUp(client);
      if (this.#isClosed) return void (await client.end());
      if (isLost) return;
      this.#client = client;
      this.#failures = 0;
      ping = setInterval(() => void this.query("select 1", client).catch(lost), pingMs);
      ping.unref();
    } catch (error) {
      lost(error);
    }
  }

  #backOff(): number {
    return Math.min(SLOWEST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures++);
  }
}
