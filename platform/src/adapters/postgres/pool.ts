import pg from "pg";

/** All of Gantry's tables live in this schema; the search path of every connection names it first. */
export const SCHEMA = "gantry";

export interface PoolOptions {
  connectionString: string;
  /** Connections at most. */
  max?: number;
  applicationName?: string;
  /** The server outlives this process; other replicas may use it. */
  isShared?: boolean;
}

/** A session gives up rather than hangs: statements after 30 s, idle transactions after 30 s (a held snapshot bloats every queue). */
const SETTINGS = [
  `search_path=${SCHEMA}`,
  "statement_timeout=30000",
  "idle_in_transaction_session_timeout=30000",
  "timezone=UTC",
  "jit=off",
];

/**
 * The server looks whether its client is still there, idle or in a statement: a platform that was killed would otherwise keep
 * its locks, and those who wait for them waiting, until a timeout. Not every laptop's system can.
 */
const CLIENT_CHECKS = [
  "client_connection_check_interval=1000",
  "tcp_keepalives_idle=5",
  "tcp_keepalives_interval=2",
  "tcp_keepalives_count=3",
  "tcp_user_timeout=10000",
];

/** A pool of connections with these settings; the pool's own waits are bounded too. */
export function createPool(options: PoolOptions): pg.Pool {
  const settings = options.isShared === true ? [...SETTINGS, ...CLIENT_CHECKS] : SETTINGS;
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max ?? 10,
    application_name: options.applicationName ?? "gantry",
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    options: settings.map((setting) => `-c ${setting}`).join(" "),
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on("error", () => {});
  return pool;
}
