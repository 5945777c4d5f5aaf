import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { startEmbeddedPostgres } from "../../platform/src/adapters/embedded-postgres/embedded-postgres.ts";
import { Gantry, type GantryOptions } from "./gantry/gantry.ts";
import { bullmqPeer } from "./peers/bullmq.ts";
import { graphileWorkerPeer } from "./peers/graphile-worker.ts";
import type { Peer } from "./peers/peer.ts";
import { pgBossPeer } from "./peers/pg-boss.ts";
import { startRedis } from "./redis.ts";

export interface Effort {
  /** Each system is measured this often, in turn; the table shows medians. */
  rounds: number;
  roundMs: number;
  warmUpMs: number;
  /** Multiplies fixed amounts of work (jobs, backlog); 1 in the full benchmark. */
  scale: number;
  /** How long an old snapshot is held before admissions are measured under it. */
  snapshotMs: number;
}

/** What rows share: one Postgres, one Redis, the peers, and platforms; all ended by `close`. */
export class Bench {
  readonly effort: Effort;
  readonly log: (text: string) => void;
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #remembered = new Map<string, Promise<unknown>>();
  readonly #platforms = new Set<Gantry>();
  #starting: Promise<Gantry> | undefined;
  #closing: Promise<void> | undefined;
  /** Shown under the table: what was left out, and why. */
  readonly remarks = new Set<string>();

  constructor(effort: Effort, log: (text: string) => void) {
    this.effort = effort;
    this.log = log;
  }

  /** A database of its own in the one server that all systems share; its URL. */
  async database(name: string): Promise<string> {
    const server = await this.#once("postgres", () => this.#startPostgres());
    const owner = new Client({ connectionString: server.url });
    await owner.connect();
    await owner.query(`drop database if exists ${name} with (force)`);
    await owner.query(`create database ${name}`);
    await owner.end();
    return server.url.replace(/\/[^/]*$/, `/${name}`);
  }

  async postgresVersion(): Promise<string> {
    const server = await this.#once("postgres", () => this.#startPostgres());
    const client = new Client({ connectionString: server.url });
    await client.connect();
    const { rows } = await client.query<{ server_version: string }>("show server_version");
    await client.end();
    return rows[0]?.server_version ?? "?";
  }

  /** Of the server that all systems share; its backends are its children. */
  async postgresPid(): Promise<number> {
    return (await this.#once("postgres", () => this.#startPostgres())).pid;
  }

  /** The peers that can run here: BullMQ only where redis-server is installed. */
  peers(): Promise<Peer[]> {
    return this.#once("peers", async () => {
      const peers = [
        await pgBossPeer(await this.database("pgboss")),
        await graphileWorkerPeer(await this.database("graphile")),
      ];
      const redis = await startRedis();
      if (redis === undefined)
        this.remarks.add("BullMQ was left out: there is no redis-server (Debian: apt-get install redis-server).");
      else {
        this.#closers.push(redis.stop);
        peers.push(await bullmqPeer(redis.port));
        this.remarks.add(`Redis ${redis.version}, appendonly yes, appendfsync always.`);
      }
      for (const peer of peers) this.#closers.push(peer.close);
      return peers;
    });
  }

  /** A platform with its own database, ended when the row is: its processes would take the next row's time. */
  async withGantry<T>(
    options: Omit<GantryOptions, "databaseUrl">,
    use: (gantry: Gantry) => Promise<T>,
    database = "gantry",
  ): Promise<T> {
    const starting = Gantry.start({ ...options, databaseUrl: await this.database(database) });
    this.#starting = starting;
    const gantry = await starting;
    this.#platforms.add(gantry);
    try {
      return await use(gantry);
    } finally {
      await this.#stop(gantry);
    }
  }

  /** Once, however often it is asked for. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // What is being started can be stopped only once it has.
    await Promise.allSettled([...this.#remembered.values(), this.#starting]);
    for (const gantry of this.#platforms) await this.#stop(gantry).catch((error: unknown) => this.log(String(error)));
    for (const close of this.#closers.reverse()) await close().catch((error: unknown) => this.log(String(error)));
  }

  async #stop(gantry: Gantry): Promise<void> {
    if (this.#platforms.delete(gantry)) await gantry.stop();
  }

  async #startPostgres() {
    const dataDir = await mkdtemp(join(tmpdir(), "gantry-bench-postgres-"));
    const server = await startEmbeddedPostgres({ dataDir, database: "bench" });
    this.#closers.push(async () => {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
      await rm(server.dataDir, { recursive: true, force: true });
    });
    return server;
  }

  #once<T>(name: string, make: () => Promise<T>): Promise<T> {
    if (!this.#remembered.has(name)) this.#remembered.set(name, make());
    return this.#remembered.get(name) as Promise<T>;
  }
}
