import pg from "pg";

/** All of Gantry's tables live in this schema; the search path of every connection names it first. */
export const SCHEMA = "gantry";

export interface PoolOptions {
  connectionString: string;
  /** Connections at most. */
  max?: number;
  applicationName?: string;
}

/**
 * A pool whose connections see Gantry's schema and give up rather than hang: statements after 30 s, idle transactions
 * after 30 s (a held snapshot bloats every queue).
 */
export function createPool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.connectionString,
    max: options.max ?? 10,
    application_name: options.applicationName ?? "gantry",
    connectionTimeoutMillis: 10_000,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    options: `-c search_path=${SCHEMA} -c statement_timeout=30000 -c idle_in_transaction_session_timeout=30000 -c timezone=UTC -c jit=off`,
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on("error", () => {});
  return pool;
}
