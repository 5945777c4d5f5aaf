import { createHash } from "node:crypto";
import { once } from "node:events";
import { chown, open, readFile, rm, stat, truncate } from "node:fs/promises";
import { createServer } from "node:net";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "pg";
import { hostVariables } from "../../host-variables.ts";
import { type Binaries, locateBinaries } from "./binaries.ts";
import { CLUSTER_USER, type Cluster, ensureCluster, ensureTraversable } from "./cluster.ts";
import { type Host, hostFor } from "./host.ts";
import { isAlive, type PostmasterFile, readPostmasterFile } from "./postmaster-file.ts";
import { commandLine, run, spawnDetached } from "./process.ts";
import { canReach, type ServerUser, serverUserFor } from "./server-user.ts";
import { settingArguments } from "./settings.ts";

export interface EmbeddedPostgresOptions {
  /** Where the cluster lives and stays. As root it may be put elsewhere; `EmbeddedPostgres.dataDir` says where. */
  dataDir: string;
  /** The database that `url` names; made if it is missing. */
  database: string;
  /** A fixed port on 127.0.0.1; a free one where it is left out. */
  port?: number;
  /** Postgres settings that replace Gantry's. */
  settings?: Readonly<Record<string, string>>;
  /** How long the server may take until it accepts connections, crash recovery included; milliseconds. */
  startTimeoutMs?: number;
  /** Told once when the server ends although nobody asked it to. */
  onExit?: (reason: string) => void;
}

export interface EmbeddedPostgres {
  /** postgresql://…, with its password: never log it. */
  url: string;
  port: number;
  pid: number;
  dataDir: string;
  /** True where the server of an owner that had been killed was taken over. */
  wasAdopted: boolean;
  /** Ends connections and stops the server cleanly. Safe to call twice. */
  stop(): Promise<void>;
}

/** Any number will do, as long as every release uses the same. */
const OWNER_LOCK = 4_400_001;
const POLL_MS = 20;
const LINGER_MS = 2_000;
const KILLED_OWNER_MS = 3_000;
/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
const LOCK_NOT_AVAILABLE = "55P03";
const START_TIMEOUT_MS = 60_000;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

interface Place {
  host: Host;
  user: ServerUser | undefined;
  binaries: Binaries;
  cluster: Cluster;
}

/**
 * Starts a real Postgres from an npm package, listening on 127.0.0.1 only, and keeps its data between runs.
 *
 * The server is detached: it survives a kill -9 of its owner, and the next start with the same folder takes it over. The
 * owner holds an advisory lock in it for as long as it lives, so a living owner is never robbed.
 *
 * Errors: the package is missing; the folder is in use by another process; the server does not start (with its log).
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const place = await prepare(resolve(options.dataDir), options);
  const running = await runningServer(place, options);
  const server = running ?? (await start(place, options));
  const owner = await takeOwnership(place.cluster, server);
  await ensureDatabase(owner, options.database);
  return handle(place, server, owner, options, running !== undefined);
}

async function prepare(wanted: string, options: EmbeddedPostgresOptions): Promise<Place> {
  const isDurable = options.settings?.fsync !== "off";
  const host = hostFor({
    platform: process.platform,
    arch: process.arch,
    uid: process.getuid?.(),
    home: homedir(),
    localAppData: hostVariables().LOCALAPPDATA,
  });
  if (!host.dropsRoot) {
    const binaries = await locateBinaries(host, undefined);
    return { host, user: undefined, binaries, cluster: await ensureCluster(wanted, binaries, undefined, isDurable) };
  }
  const user = await serverUserFor(await stat(wanted).catch(() => undefined));
  const dataDir = (await canReach(wanted, user)) ? wanted : join(host.sharedDataDir, folderName(wanted));
  await ensureTraversable(dirname(dataDir));
  const binaries = await locateBinaries(host, user);
  return { host, user, binaries, cluster: await ensureCluster(dataDir, binaries, user, isDurable) };
}

/** A stable name for the cluster of a folder that the server's user cannot enter. */
function folderName(wanted: string): string {
  return createHash("sha256").update(wanted).digest("hex").slice(0, 16);
}

/** The server that a killed owner left behind, once it accepts connections; undefined where there is none, or it ends. */
async function runningServer(place: Place, options: EmbeddedPostgresOptions): Promise<PostmasterFile | undefined> {
  const { dataDir } = place.cluster;
  const left = await readPostmasterFile(dataDir);
  if (!left) return undefined;
  if (!(await isServerOf(place, left.pid))) {
    // Its number belongs to another process by now, which would keep Postgres from starting.
    await rm(join(dataDir, "postmaster.pid"), { force: true });
    return undefined;
  }
  const deadline = Date.now() + (options.startTimeoutMs ?? START_TIMEOUT_MS);
  for (;;) {
    const file = await readPostmasterFile(dataDir);
    if (file?.pid !== left.pid || !isAlive(left.pid)) return undefined;
    if (file.isReady) return file;
    if (Date.now() > deadline)
      throw new Error(`Postgres (process ${left.pid}) in ${dataDir} runs, but accepts no connections.`);
    await delay(POLL_MS);
  }
}

/** Where the system does not say what a process is, it counts as the server: its file must not be taken from under it. */
async function isServerOf(place: Place, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false;
  const line = await commandLine(place.host, pid);
  return line === undefined || line.includes(place.host.serverMark(place.cluster.dataDir));
}

async function start(place: Place, options: EmbeddedPostgresOptions): Promise<PostmasterFile> {
  const port = options.port ?? (await freePort());
  const { dataDir } = place.cluster;
  const logPath = join(dataDir, "server.log");
  const args = ["-D", dataDir, ...settingArguments({ ...options.settings, port: String(port) })];
  if (place.host.control === "pg_ctl") return startWithPgCtl(place, args.slice(2), logPath, options);

  const log = await openLog(logPath, place.user);
  const child = spawnDetached(place.binaries.postgres, args, place.user, log.fd);
  let ended: string | undefined;
  child.once("error", (error) => {
    ended = error.message;
  });
  child.once("exit", (code, signal) => {
    ended = `exit ${code ?? signal}`;
  });
  child.unref();
  await log.close();
  return waitUntilReady(dataDir, child.pid, () => ended, options);
}

async function startWithPgCtl(place: Place, settings: string[], logPath: string, options: EmbeddedPostgresOptions) {
  const { dataDir } = place.cluster;
  const quoted = settings.map((setting) => (setting === "-c" ? setting : `"${setting}"`)).join(" ");
  await run(place.binaries.pgCtl, ["start", "-W", "-D", dataDir, "-l", logPath, "-o", quoted], place.user);
  return waitUntilReady(dataDir, undefined, () => undefined, options);
}

async function openLog(path: string, user: ServerUser | undefined) {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0;
  if (size > LOG_LIMIT_BYTES) await truncate(path);
  const log = await open(path, "a", 0o600);
  if (user) await chown(path, user.uid, user.gid);
  return log;
}

async function waitUntilReady(
  dataDir: string,
  pid: number | undefined,
  ended: () => string | undefined,
  options: EmbeddedPostgresOptions,
): Promise<PostmasterFile> {
  const timeoutMs = options.startTimeoutMs ?? START_TIMEOUT_MS;
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const file = await readPostmasterFile(dataDir);
    if (file?.isReady && (pid === undefined || file.pid === pid)) return file;
    const reason = ended() ?? (Date.now() > deadline ? `not ready after ${timeoutMs} ms` : undefined);
    if (reason) throw new Error(`The embedded Postgres did not start (${reason}).\n${await logTail(dataDir)}`);
    await delay(POLL_MS);
  }
}

async function logTail(dataDir: string): Promise<string> {
  const log = await readFile(join(dataDir, "server.log"), "utf8").catch(() => "");
  return log.trimEnd().split("\n").slice(-10).join("\n");
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

function urlOf(cluster: Cluster, port: number, database: string): string {
  return `postgresql://${CLUSTER_USER}:${cluster.password}@127.0.0.1:${port}/${database}`;
}

/** The lock lives as long as this connection, so it is free again the moment its owner dies. */
async function takeOwnership(cluster: Cluster, server: PostmasterFile): Promise<Client> {
  const owner = new Client({
    connectionString: urlOf(cluster, server.port, "postgres"),
    application_name: "gantry-owner",
    keepAlive: true,
  });
  owner.on("error", () => undefined);
  await owner.connect();
  try {
    // Not at once: the session of an owner that was killed ends only when the server next looks at its connection.
    await owner.query(`set lock_timeout = ${KILLED_OWNER_MS}`);
    await owner.query("select pg_advisory_lock($1)", [OWNER_LOCK]);
    await owner.query("reset lock_timeout");
    return owner;
  } catch (error) {
    await owner.end();
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
    throw new Error(
      `Another process already uses the database in ${cluster.dataDir}: stop it first, or choose another folder.`,
    );
  }
}

async function ensureDatabase(owner: Client, database: string): Promise<void> {
  const { rowCount } = await owner.query("select 1 from pg_database where datname = $1", [database]);
  if (!rowCount) await owner.query(`create database ${owner.escapeIdentifier(database)}`);
}

function handle(
  place: Place,
  server: PostmasterFile,
  owner: Client,
  options: EmbeddedPostgresOptions,
  wasAdopted: boolean,
): EmbeddedPostgres {
  const { cluster } = place;
  let stopping: Promise<void> | undefined;
  owner.once("end", () => {
    if (!stopping) options.onExit?.(`the embedded Postgres (process ${server.pid}) ended`);
  });
  return {
    url: urlOf(cluster, server.port, options.database),
    port: server.port,
    pid: server.pid,
    dataDir: cluster.dataDir,
    wasAdopted,
    stop: () => (stopping ??= stop(place, server.pid)),
  };
}

/** A fast shutdown: transactions in flight are rolled back, everything committed is on disk. */
async function stop(place: Place, pid: number): Promise<void> {
  if (place.host.control === "pg_ctl") {
    await run(place.binaries.pgCtl, ["stop", "-m", "fast", "-w", "-D", place.cluster.dataDir], place.user);
    return;
  }
  if (!isAlive(pid)) return;
  process.kill(pid, "SIGINT");
  while (isAlive(pid) && (await readPostmasterFile(place.cluster.dataDir))?.pid === pid) await delay(POLL_MS);
  // The file goes when all is written, the process a moment later; as a zombie it lingers where nobody reaps it.
  const deadline = Date.now() + LINGER_MS;
  while (isAlive(pid) && Date.now() < deadline) await delay(POLL_MS);
}
