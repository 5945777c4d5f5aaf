import type pg from "pg";
import type { Leadership } from "../../cluster/leadership.ts";
import type { Logger } from "../../logging.ts";
import { DirectConnection } from "./direct-connection.ts";

/** "gant" and the first lock: advisory locks are shared by all that use the database. */
const LOCK = [0x67_61_6e_74, 1];
const TRY_EVERY_MS = 500;
const PING_MS = 1_000;
const TIMEOUT_MS = 2_000;
/** Who has not heard of the server for so long does not call itself leader: by now it may have dropped the session. */
const TRUSTED_MS = 4_000;

/**
 * The leader holds an advisory lock of its session: it is the leader for exactly as long as the session lives. When its
 * process dies, the server sees the connection close and the next has the lock within half a second; when its machine
 * dies, or the network does, after some 5 s, and the old leader has resigned before that.
 */
export class AdvisoryLeadership implements Leadership {
  readonly #logger: Pick<Logger, "info" | "warn">;
  readonly #listeners: ((isLeader: boolean) => void)[] = [];
  readonly #connection: DirectConnection;
  readonly #now: () => number;
  #heldBy: pg.Client | undefined;
  #heardAt = 0;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: {
    connectionString: string;
    logger: Pick<Logger, "info" | "warn">;
    /** Milliseconds by a clock that never jumps. */
    now?: () => number;
  }) {
    this.#logger = options.logger;
    this.#now = options.now ?? (() => performance.now());
    this.#connection = new DirectConnection({
      connectionString: options.connectionString,
      applicationName: "gantry leader",
      pingMs: PING_MS,
      timeoutMs: TIMEOUT_MS,
      onUp: (client) => this.#attempt(client),
      onDown: () => this.#resign("its connection to Postgres is lost"),
    });
  }

  get isLeader(): boolean {
    return this.#heldBy !== undefined && this.#now() - this.#heardAt < TRUSTED_MS;
  }

  onChange(listener: (isLeader: boolean) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#resign(undefined);
    this.#listeners.length = 0;
    await this.#connection.close();
  }

  /** Takes the lock, or has it, and looks again: the answer tells at the same time that the server lives. */
  async #attempt(client: pg.Client): Promise<void> {
    const askedAt = this.#now();
    const mine = this.#heldBy === client;
    const text = mine ? "select true as held" : `select pg_try_advisory_lock(${LOCK.join(", ")}) as held`;
    const [row] = await this.#connection.query<{ held: boolean }>(text, client);
    if (this.#isClosed) return;
    if (row?.held === true) {
      this.#heardAt = askedAt;
      if (!mine) this.#lead(client);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      // Its failure is the connection's end, which resigns and begins anew.
      if (this.#connection.client === client) void this.#attempt(client).catch(() => undefined);
    }, TRY_EVERY_MS);
    this.#timer.unref();
  }

  #lead(client: pg.Client): void {
    this.#heldBy = client;
    this.#logger.info({}, "this replica leads now");
    for (const listener of this.#listeners) listener(true);
  }

  #resign(why: string | undefined): void {
    clearTimeout(this.#timer);
    if (this.#heldBy === undefined) return;
    this.#heldBy = undefined;
    if (why !== undefined) this.#logger.warn({}, `this replica leads no more: ${why}`);
    for (const listener of this.#listeners) listener(false);
  }
}
