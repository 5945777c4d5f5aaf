import type pg from "pg";
import { Gauge, type Registry } from "prom-client";
import { MemoryBusHub } from "./adapters/memory/memory-bus.ts";
import { neverLeader, soleLeader } from "./adapters/memory/sole-leader.ts";
import { AdvisoryLeadership } from "./adapters/postgres/advisory-leadership.ts";
import { NotifyBus } from "./adapters/postgres/notify-bus.ts";
import { isTransactionPooler } from "./adapters/postgres/transaction-pooler.ts";
import { RedisBus } from "./adapters/redis/redis-bus.ts";
import type { Bus } from "./cluster/bus.ts";
import type { Leadership } from "./cluster/leadership.ts";
import { type Config, ConfigError } from "./config.ts";
import type { Logger } from "./logging.ts";

/** How this process stands among others of its installation. */
export interface Replica {
  bus: Bus;
  leadership: Leadership;
  close(): Promise<void>;
}

interface JoinOptions {
  config: Config;
  /** Where the database is; undefined where the platform keeps its own, which no other process shares. */
  pool: pg.Pool;
  logger: Logger;
  metrics: Registry;
}

/**
 * Joins the replicas that share the database: by Redis where there is one, else by NOTIFY, and stands for leader where it
 * schedules. Errors: ConfigError where the database is behind a transaction pooler.
 */
export async function joinReplicas({ config, pool, logger, metrics }: JoinOptions): Promise<Replica> {
  const connectionString = config.databaseDirectUrl ?? config.databaseUrl;
  const { bus, leadership } =
    connectionString === undefined
      ? { bus: new MemoryBusHub().join(), leadership: soleLeader }
      : await join(connectionString, { config, pool, logger });
  new Gauge({
    name: "gantry_is_leader",
    help: "1 where this replica does what only one should, else 0.",
    registers: [metrics],
    collect() {
      this.set(leadership.isLeader ? 1 : 0);
    },
  });
  return {
    bus,
    leadership,
    async close() {
      await Promise.all([leadership.close(), bus.close()]);
    },
  };
}

async function join(connectionString: string, { config, pool, logger }: Omit<JoinOptions, "metrics">) {
  await refusePooler(connectionString, config);
  const bus =
    config.redisUrl === undefined
      ? new NotifyBus({ connectionString, logger })
      : new RedisBus({ url: config.redisUrl, installation: await installationOf(pool), logger });
  const leadership = config.roles.includes("scheduler")
    ? new AdvisoryLeadership({ connectionString, logger })
    : neverLeader;
  return { bus, leadership };
}

async function refusePooler(connectionString: string, config: Config): Promise<void> {
  if (!(await isTransactionPooler(connectionString))) return;
  const name =
    config.databaseDirectUrl === undefined ? "GANTRY_PLATFORM_DATABASE_URL" : "GANTRY_PLATFORM_DATABASE_DIRECT_URL";
  throw new ConfigError(
    `${name} leads through a transaction pooler, which loses locks and notifications: set ` +
      "GANTRY_PLATFORM_DATABASE_DIRECT_URL to the database itself; requests may go on through the pooler.",
  );
}

/** Tells installations apart that share a Redis; the same for all replicas of one. */
async function installationOf(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    "select md5(current_database() || extract(epoch from created_at)) as id from cluster_state where id = 1",
  );
  return rows[0]?.id ?? "default";
}
