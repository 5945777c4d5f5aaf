import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import type { DeployLock, DeployLocks } from "../../deployments/deploy-locks.ts";
import { AppError } from "../../errors.ts";
import { SESSION } from "./direct-connection.ts";

/** "gand": advisory locks are shared by all that use the database; the second number is the environment. */
const CLASS = 0x67_61_6e_64;
const TRY_EVERY_MS = 200;
const PING_MS = 2_000;
const NAME = "gantry deploy ";

/**
 * A deploy holds an advisory lock of a session of its own: when its platform dies, the server closes the session and the
 * next one goes on. Within a process deploys of one environment wait for each other in memory, so that however many wait,
 * each platform has one session for each environment that is deployed to.
 */
export class AdvisoryDeployLocks implements DeployLocks {
  readonly #connectionString: string;
  readonly #here = new Map<number, { who: string; done: Promise<void> }>();

  /** `connectionString` leads past every transaction pooler. */
  constructor(connectionString: string) {
    this.#connectionString = connectionString;
  }

  async acquire(
    environmentId: number,
    who: string,
    onWait: (who: string) => void,
    signal: AbortSignal,
  ): Promise<DeployLock> {
    for (let before = this.#here.get(environmentId); before !== undefined; before = this.#here.get(environmentId)) {
      onWait(before.who);
      await orAborted(before.done, signal);
    }
    signal.throwIfAborted();
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#here.set(environmentId, { who, done });
    const free = () => {
      this.#here.delete(environmentId);
      resolve();
    };
    try {
      const session = await lockedSession(this.#connectionString, environmentId, who, onWait, signal);
      return { lost: session.lost, release: () => session.end().finally(free) };
    } catch (error) {
      free();
      throw error;
    }
  }
}

interface Session {
  lost: AbortSignal;
  end(): Promise<void>;
}

async function lockedSession(
  connectionString: string,
  environmentId: number,
  who: string,
  onWait: (who: string) => void,
  signal: AbortSignal,
): Promise<Session> {
  const client = new pg.Client({
    connectionString,
    // The server cuts names at 63 bytes.
    application_name: `${NAME}${who}`.slice(0, 63),
    connectionTimeoutMillis: 5_000,
    query_timeout: 5_000,
    options: SESSION.map((one) => `-c ${one}`).join(" "),
  });
  const lost = new AbortController();
  const lose = () =>
    lost.abort(new AppError("STORE_UNAVAILABLE", "The database went away in the middle of the deploy."));
  client.on("error", lose).on("end", lose);
  let ping: NodeJS.Timeout | undefined;
  const end = async () => {
    clearInterval(ping);
    await client.end().catch(() => undefined);
  };
  try {
    await client.connect();
    await takeTurn(client, environmentId, onWait, signal);
  } catch (error) {
    await end();
    throw error;
  }
  ping = setInterval(() => void client.query("select 1").catch(lose), PING_MS);
  return { lost: lost.signal, end };
}

async function takeTurn(
  client: pg.Client,
  environmentId: number,
  onWait: (who: string) => void,
  signal: AbortSignal,
): Promise<void> {
  let told: string | undefined;
  for (;;) {
    const key = [CLASS, environmentId];
    const { rows } = await client.query<{ ok: boolean }>("select pg_try_advisory_lock($1, $2) as ok", key);
    if (rows[0]?.ok === true) return;
    const holder = await holderOf(client, environmentId);
    if (holder !== undefined && holder !== told) onWait(holder);
    told = holder ?? told;
    await sleep(TRY_EVERY_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

async function holderOf(client: pg.Client, environmentId: number): Promise<string | undefined> {
  const { rows } = await client.query<{ name: string }>(
    `select a.application_name as name from pg_locks l join pg_stat_activity a on a.pid = l.pid
     where l.locktype = 'advisory' and l.classid = $1 and l.objid = $2 and l.granted
       and l.database = (select oid from pg_database where datname = current_database())`,
    [CLASS, environmentId],
  );
  return rows[0]?.name.replace(NAME, "");
}

function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason);
    if (signal.aborted) return stop();
    signal.addEventListener("abort", stop, { once: true });
    void work.then(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
  });
}
