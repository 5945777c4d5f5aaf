import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join, resolve } from "node:path";
import { MAX_OFFLINE_MS } from "@gantry/sdk/contract";
import type pg from "pg";
import { collectDefaultMetrics, Registry } from "prom-client";
import type { Accounts } from "./accounts/accounts.ts";
import { composeAccounts, setupSecretOf } from "./accounts-wiring.ts";
import { keepEmbeddedPostgres } from "./adapters/embedded-postgres/kept-postgres.ts";
import { freeBytes } from "./adapters/filesystem/disk-space.ts";
import { encryptionKeyFile } from "./adapters/filesystem/encryption-key-file.ts";
import { AdvisoryDeployLocks } from "./adapters/postgres/advisory-deploy-locks.ts";
import { registerDatabaseMetrics } from "./adapters/postgres/database-metrics.ts";
import { bindMasterKey } from "./adapters/postgres/key-fingerprint.ts";
import { migrationsDirectory } from "./adapters/postgres/migration-files.ts";
import { migrate } from "./adapters/postgres/migrator.ts";
import { createPool } from "./adapters/postgres/pool.ts";
import { createPrisma } from "./adapters/postgres/prisma.ts";
import { PrismaProjects } from "./adapters/postgres/prisma-projects.ts";
import { PrismaVariables } from "./adapters/postgres/prisma-variables.ts";
import { systemClock } from "./clock.ts";
import { environmentChanges } from "./cluster/environment-changes.ts";
import { createCredentials } from "./cluster/jwt-credentials.ts";
import type { Config } from "./config.ts";
import { machinesWith } from "./deployments/machines.ts";
import { createEngine, type Engine } from "./engine.ts";
import { chooseExecutor } from "./executors.ts";
import { createHttpApp, SERVER_OPTIONS } from "./http/app.ts";
import { closeServer } from "./http/close-server.ts";
import { dashboardDirectory } from "./http/dashboard-files.ts";
import type { HttpDeps } from "./http/deps.ts";
import { createEdge, type Edge } from "./http/edge.ts";
import { attachRealtime, type RealtimeServer } from "./http/realtime-server.ts";
import { attachWorkerChannel } from "./http/worker-channel.ts";
import { imageServices } from "./image-services.ts";
import type { Logger } from "./logging.ts";
import type { ProjectService } from "./projects/project-service.ts";
import type { RealtimeSocket } from "./realtime/realtime-socket.ts";
import { streamsOf } from "./realtime/stream-feature.ts";
import { subscriptionsOf } from "./realtime/subscriptions.ts";
import { joinReplicas } from "./replicas.ts";
import { MasterKey } from "./secrets/master-key.ts";
import { SecretBox } from "./secrets/secret-box.ts";

export interface Platform {
  url: string;
  port: number;
  /** The dev environment's key, where a dev project was asked for. */
  devKey: string | undefined;
  engine: Engine;
  projects: ProjectService;
  accounts: Accounts;
  pool: pg.Pool;
  /** Finishes what is under way; `workers` says what becomes of the processes it started. */
  stop(workers: "drain" | "kill" | "leave"): Promise<void>;
}

export interface PlatformOptions {
  config: Config;
  logger: Logger;
  version: string;
  /** The process's own environment: tasks get it, less the platform's settings. */
  environment: Readonly<Record<string, string | undefined>>;
}

/** The composition root: the only place where adapters meet. Starts everything, in order; what failed to start is stopped again. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const stops: (() => Promise<unknown>)[] = [];
  try {
    return await compose(options, stops);
  } catch (error) {
    for (const stop of stops.reverse()) await stop().catch(() => undefined);
    throw error;
  }
}

async function compose(
  { config, logger, version, environment }: PlatformOptions,
  stops: (() => Promise<unknown>)[],
): Promise<Platform> {
  const dataDir = resolve(config.dataDir);
  const databaseUrl = config.databaseUrl ?? (await embeddedDatabase(dataDir, logger, stops));
  const freeStorageBytes = config.databaseUrl === undefined ? () => freeBytes(join(dataDir, "postgres")) : undefined;
  await migrate({ connectionString: config.databaseDirectUrl ?? databaseUrl, directory: migrationsDirectory() });

  const pool = createPool({
    connectionString: databaseUrl,
    max: config.databasePoolSize,
    isShared: config.databaseUrl !== undefined,
  });
  stops.push(() => pool.end());
  const prisma = createPrisma(pool);
  const master = new MasterKey(
    config.encryptionKey ?? (await encryptionKeyFile(dataDir)),
    config.previousEncryptionKeys,
  );
  await bindMasterKey(prisma, master);
  const secrets = new SecretBox(master);
  const variables = new PrismaVariables({ prisma, secrets });
  const credentials = createCredentials(master);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const { bus, leadership, ...replica } = await joinReplicas({ config, pool, logger, metrics });
  stops.push(() => replica.close());
  const changes = environmentChanges(bus);
  const projects = new PrismaProjects({ prisma, secrets, clock: systemClock, onChange: changes.announce });
  changes.onChange((environmentId) => projects.forget(environmentId));
  const accounts = await composeAccounts({ config, pool, master, bus, projects, stops });
  registerDatabaseMetrics(metrics, pool);

  let url = "";
  const { executor, start, startDeadlineMs, problem, checkpointProblem } = await chooseExecutor({
    config,
    credentials,
    leadership,
    environment,
    variables,
    logger,
    ownUrl: () => url,
    absentMs: (deploymentId) => channel.absentMs(deploymentId),
    observations: {
      observed: (executionId, observation) => engine.observations.observed(executionId, observation),
      liveAmong: (executionIds) => engine.observations.liveAmong(executionIds),
    },
  });
  const workerImage = config.workerImage ?? `ghcr.io/gantry-dev/worker:${version}`;
  const checkpointWorkerImage =
    config.checkpointNamespace === undefined
      ? undefined
      : (config.checkpointWorkerImage ?? `ghcr.io/gantry-dev/worker-checkpoints:${version}`);
  const engine = createEngine({
    deploys: {
      locks: new AdvisoryDeployLocks(config.databaseDirectUrl ?? databaseUrl),
      workerImage,
      checkpointWorkerImage,
      platforms: config.buildPlatforms,
      images: await imageServices(config, workerImage, stops),
    },
    pool,
    prisma,
    projects,
    credentials,
    variables,
    secrets,
    storesProcesses: config.checkpointNamespace !== undefined,
    machines: machinesWith(config.machines),
    executor,
    logger,
    metrics,
    clock: systemClock,
    random: Math.random,
    freeStorageBytes,
    clusterProblem: problem,
    checkpointProblem,
    auditDays: config.auditRetentionDays,
    roles: config.roles,
    bus,
    leadership,
    timing: {
      leaseTtlMs: config.leaseTtlMs,
      ...(startDeadlineMs === undefined ? {} : { startDeadlineMs }),
    },
  });
  const httpDeps: HttpDeps = {
    ...engine,
    projects,
    accounts,
    variables,
    credentials,
    logger,
    metrics,
    clock: systemClock,
    onChange: changes.onChange,
    clusterProblem: problem,
    pingStore: async () => void (await pool.query("select 1")),
    config: {
      tokenSecrets: master.deriveAll("public-tokens"),
      servesApi: config.roles.includes("api"),
      dashboardDirectory: dashboardDirectory(),
      version,
      proxyHops: config.proxyHops,
      sessionMaxMs: config.sessionMaxHours * 3_600_000,
      extraMachines: Object.keys(config.machines ?? {}),
      ...(config.publicUrl === undefined ? {} : { publicUrl: config.publicUrl }),
      ...(config.metricsToken === undefined ? {} : { metricsToken: config.metricsToken }),
    },
  };
  const edge = createEdge(httpDeps);
  const server = createServer(SERVER_OPTIONS, createHttpApp(httpDeps, edge));
  const welcome = { heartbeatMs: config.heartbeatMs, leaseTtlMs: config.leaseTtlMs, maxOfflineMs: MAX_OFFLINE_MS };
  const channel = attachWorkerChannel(server, {
    credentials,
    workers: engine.workers,
    log: logger,
    welcome,
    isOpen: config.roles.includes("api"),
  });
  const realtime = config.roles.includes("api") ? serveRealtime(server, edge, engine, config) : undefined;
  const devKey =
    config.devProject === undefined
      ? undefined
      : await devEnvironment(projects, config.devProject, config.devKeySecret, master);

  const port = await listen(server, config.host, config.port);
  url = `http://${config.host === "0.0.0.0" ? "127.0.0.1" : config.host}:${port}`;
  await start();
  engine.loops.start();
  logger.info({ url, executor: executor.name }, "the platform is ready");
  if (!accounts.isLocal && config.roles.includes("api") && (await accounts.signIn.needsSetup())) {
    // What stands behind # is sent to no server.
    const setupUrl = `${(config.publicUrl ?? url).replace(/\/$/, "")}/setup#${encodeURIComponent(setupSecretOf(config, master))}`;
    logger.warn({ setupUrl }, "nobody can sign in yet: open setupUrl to make the first user, who is an admin");
  }

  return {
    url,
    port,
    devKey,
    engine,
    projects,
    accounts,
    pool,
    async stop(workers) {
      await executor.stop(workers);
      await channel.close();
      await realtime?.close();
      engine.live.close();
      engine.streamFeeds.close();
      await closeServer(server, { drainMs: config.shutdownDrainMs, graceMs: config.shutdownGraceMs });
      await engine.loops.stop();
      for (const stop of stops.reverse()) await stop();
    },
  };
}

function serveRealtime(server: Server, edge: Edge, engine: Engine, config: Config): RealtimeServer {
  const limit = async ({ environment }: RealtimeSocket) => (await edge.limits.get(environment)).subscriptionsPerSocket;
  const subscriptions = subscriptionsOf({ runs: engine.live, clock: systemClock, limit });
  const streams = streamsOf({
    streams: engine.streams,
    runs: engine.runs,
    limit,
    onError: (error) => edge.deps.logger.error({ err: error }, "a stream could not be read for a socket"),
  });
  return attachRealtime(server, { edge, features: [subscriptions, streams], maxSockets: config.realtimeMaxSockets });
}

async function embeddedDatabase(dataDir: string, logger: Logger, stops: (() => Promise<unknown>)[]): Promise<string> {
  const postgres = await keepEmbeddedPostgres({ dataDir: join(dataDir, "postgres"), database: "gantry" }, logger);
  stops.push(() => postgres.stop());
  return postgres.url;
}

/** The dev project with its key, the same at every start. */
async function devEnvironment(
  projects: ProjectService,
  ref: string,
  secret: string | undefined,
  master: MasterKey,
): Promise<string> {
  const [environment] = await projects.ensureProject({
    ref,
    name: ref,
    environments: [{ slug: "dev", type: "DEVELOPMENT" }],
  });
  if (environment === undefined) throw new Error(`The dev project ${ref} could not be made.`);
  const characters = secret ?? devSecret(master, ref);
  const key = `gt_dev_sk_${characters}`;
  if ((await projects.authenticateKey(key)) === undefined) await projects.createKey(environment, "full", characters);
  return key;
}

/** 24 letters and digits that depend on the installation's key and the project alone. */
function devSecret(master: MasterKey, ref: string): string {
  return master
    .derive(`dev-key/${ref}`)
    .toString("base64")
    .replaceAll(/[^0-9A-Za-z]/g, "0")
    .slice(0, 24);
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : port;
}
