import { type Manifest, manifestSchema, type QueueDeclaration } from "@gantry/sdk/contract";
import type {
  DeploymentInfo,
  DeploymentService,
  DeploymentSource,
  PrunableImage,
} from "../../deployments/deployment-service.ts";
import { nextVersion } from "../../deployments/version-policy.ts";
import { AppError } from "../../errors.ts";
import { decodeId, encodeId, newUuid } from "../../ids.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { syncDeclaredSchedules } from "./declared-schedules.ts";
import type { PrismaClient } from "./prisma.ts";
import type { Prisma } from "./prisma-client/client.ts";

type Transaction = Prisma.TransactionClient;
type Row = Prisma.DeploymentGetPayload<object>;

export interface DeploymentsDeps {
  prisma: PrismaClient;
  /** Called after a version became current: caches, waiting runs and workers are told. */
  onPromoted(environment: EnvironmentRef, deploymentId: string): Promise<void>;
}

/** Versions with their tasks and queues; see DeploymentService. Registrations of one environment are serialised. */
export function createDeploymentService({ prisma, onPromoted }: DeploymentsDeps): DeploymentService {
  const withCurrent = async (environment: EnvironmentRef, row: Row): Promise<DeploymentInfo> =>
    toInfo(row, await currentId(prisma, environment));

  return {
    async register(environment, { manifest, source, promote, contentHash }) {
      const { row, isNew } = await prisma.$transaction(async (tx) => {
        await lockEnvironment(tx, environment);
        const same = contentHash === undefined ? null : await sameAsCurrent(tx, environment, contentHash);
        if (same !== null) {
          // The code is the same but may have moved: its workers look where the latest registration says.
          return {
            row: await tx.deployment.update({
              where: { id: same.id },
              data: { source: json(source), imageDeletedAt: null },
            }),
            isNew: false,
          };
        }
        const created = await insert(tx, environment, manifest, source, contentHash);
        const row = promote ? await makeCurrent(tx, environment, created.id, manifest) : created;
        return { row, isNew: true };
      }, PATIENCE);
      // Also where nothing is new: its source may have moved, and its workers may have ended with their platform.
      if (promote || !isNew) await onPromoted(environment, row.id);
      return withCurrent(environment, row);
    },
    async promote(environment, version) {
      const row = await prisma.$transaction(async (tx) => {
        await lockEnvironment(tx, environment);
        const found = await tx.deployment.findUnique({
          where: { environmentId_version: { environmentId: environment.id, version } },
        });
        if (found === null)
          throw new AppError("DEPLOYMENT_NOT_FOUND", `There is no version ${version} in this environment.`);
        if (found.imageDeletedAt !== null)
          throw new AppError(
            "IMAGE_GONE",
            `The image of version ${version} was removed ${found.imageDeletedAt.toISOString()}.`,
          );
        return makeCurrent(tx, environment, found.id, manifestOf(found));
      }, PATIENCE);
      await onPromoted(environment, row.id);
      return withCurrent(environment, row);
    },
    async retrieve(environment, idOrVersion) {
      const id = decodeId("deployment", idOrVersion);
      const row = await prisma.deployment.findFirst({
        where: { environmentId: environment.id, ...(id === undefined ? { version: idOrVersion } : { id }) },
      });
      return row === null ? undefined : withCurrent(environment, row);
    },
    async current(environment) {
      const id = await currentId(prisma, environment);
      const row = id === null ? null : await prisma.deployment.findUnique({ where: { id } });
      return row === null ? undefined : toInfo(row, id);
    },
    claimPrunableImages: (environment, keep) =>
      prisma.$transaction(async (tx) => {
        // A promotion waits for this lock, and sees the marks.
        await lockEnvironment(tx, environment);
        return claimImages(tx, environment, keep);
      }, PATIENCE),
    async restoreImages(environment, versions) {
      await prisma.deployment.updateMany({
        where: { environmentId: environment.id, version: { in: versions } },
        data: { imageDeletedAt: null },
      });
    },
    async list(environment, { size, after }) {
      const cursor = after === undefined ? undefined : decodeId("deployment", after);
      const rows = await prisma.deployment.findMany({
        where: { environmentId: environment.id, ...(cursor === undefined ? {} : { id: { lt: cursor } }) },
        orderBy: { id: "desc" },
        take: size + 1,
      });
      const current = await currentId(prisma, environment);
      const shown = rows.slice(0, size).map((row) => toInfo(row, current));
      return { deployments: shown, next: rows.length > size ? shown.at(-1)?.id : undefined };
    },
  };
}

function claimImages(tx: Transaction, environment: EnvironmentRef, keep: number): Promise<PrunableImage[]> {
  return tx.$queryRaw<PrunableImage[]>`
    with image as materialized (
      select d.id, d.source->>'digest' as digest, row_number() over (order by d.id desc) as age
      from deployment d
      where d.environment_id = ${environment.id} and d.source->>'kind' = 'image' and d.image_deleted_at is null),
    old as materialized (
      select i.id, i.digest from image i
      where i.age > ${keep}
        and not exists (select 1 from environment e where e.current_deployment_id = i.id)
        and not exists (select 1 from execution x where x.deployment_id = i.id)
        and not exists (select 1 from failure_hook h where h.deployment_id = i.id)
        and not exists (select 1 from run r where r.environment_id = ${environment.id} and r.deployment_id = i.id))
    update deployment d set image_deleted_at = now()
    from old o
    where d.id = o.id and not exists (
      select 1 from image i where i.digest = o.digest and i.id not in (select id from old))
    returning d.version, d.source->>'repository' as repository, d.source->>'digest' as digest`;
}

async function lockEnvironment(tx: Transaction, environment: EnvironmentRef): Promise<void> {
  await tx.$queryRaw`select id from environment where id = ${environment.id} for update`;
}

async function currentId(db: PrismaClient | Transaction, environment: EnvironmentRef): Promise<string | null> {
  const row = await db.environment.findUnique({ where: { id: environment.id }, select: { currentDeploymentId: true } });
  return row?.currentDeploymentId ?? null;
}

async function sameAsCurrent(tx: Transaction, environment: EnvironmentRef, contentHash: string): Promise<Row | null> {
  const id = await currentId(tx, environment);
  return id === null ? null : tx.deployment.findFirst({ where: { id, contentHash } });
}

async function insert(
  tx: Transaction,
  environment: EnvironmentRef,
  manifest: Manifest,
  source: DeploymentSource,
  contentHash: string | undefined,
): Promise<Row> {
  const latest = await tx.deployment.findFirst({
    where: { environmentId: environment.id },
    orderBy: { id: "desc" },
    select: { version: true },
  });
  const row = await tx.deployment.create({
    data: {
      id: newUuid(),
      environmentId: environment.id,
      version: nextVersion(new Date(), latest?.version),
      status: "DEPLOYED",
      manifest: json(manifest),
      source: json(source),
      contentHash: contentHash ?? null,
    },
  });
  const queues = await ensureQueues(tx, environment, manifest);
  await tx.taskDefinition.createMany({
    data: manifest.tasks.map((task) => ({
      deploymentId: row.id,
      taskId: task.id,
      queueId: queues.get(task.queue ?? `task/${task.id}`) as number,
      declaration: json(task),
    })),
  });
  return row;
}

/** Every queue that the version names, made where it is new. Limits come with the promotion. */
async function ensureQueues(
  tx: Transaction,
  environment: EnvironmentRef,
  manifest: Manifest,
): Promise<Map<string, number>> {
  const names = new Set([
    ...manifest.queues.map((queue) => queue.name),
    ...manifest.tasks.map((task) => task.queue ?? `task/${task.id}`),
  ]);
  await tx.queue.createMany({
    data: [...names].map((name) => ({
      environmentId: environment.id,
      name,
      kind: name.startsWith("task/") ? "task" : "custom",
    })),
    skipDuplicates: true,
  });
  const rows = await tx.queue.findMany({ where: { environmentId: environment.id, name: { in: [...names] } } });
  return new Map(rows.map((row) => [row.name, row.id]));
}

async function makeCurrent(
  tx: Transaction,
  environment: EnvironmentRef,
  deploymentId: string,
  manifest: Manifest,
): Promise<Row> {
  await tx.environment.update({ where: { id: environment.id }, data: { currentDeploymentId: deploymentId } });
  const row = await tx.deployment.update({ where: { id: deploymentId }, data: { promotedAt: new Date() } });
  await syncDeclaredSchedules(tx, environment, manifest, Date.now());
  const declared = new Map(manifest.queues.map((queue) => [queue.name, queue]));
  const names = new Set([...declared.keys(), ...manifest.tasks.map((task) => task.queue ?? `task/${task.id}`)]);
  const limits = JSON.stringify([...names].map((name) => limitsOf(name, declared.get(name))));
  // One statement, however many tasks a project has.
  await tx.$executeRaw`
    update queue q set declared_limit = i.declared_limit, combined_limit = i.combined_limit, rate_limit = i.rate_limit,
      rate_period_ms = i.rate_period_ms, rate_key = i.rate_key
    from json_to_recordset(${limits}::json) as i (
      name text, declared_limit int, combined_limit int, rate_limit int, rate_period_ms int, rate_key text)
    where q.environment_id = ${environment.id} and q.name = i.name`;
  return row;
}

function limitsOf(name: string, queue: QueueDeclaration | undefined) {
  return {
    name,
    declared_limit: queue?.concurrencyLimit,
    combined_limit: queue?.combinedConcurrencyLimit,
    rate_limit: queue?.rateLimit?.limit,
    rate_period_ms: queue?.rateLimit?.periodMs,
    rate_key: queue?.rateLimit?.key,
  };
}

/** A version of ten thousand tasks takes a while. */
const PATIENCE = { maxWait: 10_000, timeout: 30_000 };

const json = (value: unknown) => value as Prisma.InputJsonValue;
const manifestOf = (row: Row): Manifest => manifestSchema.parse(row.manifest);

function toInfo(row: Row, current: string | null): DeploymentInfo {
  return {
    id: encodeId("deployment", row.id),
    version: row.version,
    status: row.status as DeploymentInfo["status"],
    isCurrent: row.id === current,
    manifest: manifestOf(row),
    source: row.source as unknown as DeploymentSource,
    createdAt: row.createdAt,
    promotedAt: row.promotedAt ?? undefined,
    contentHash: row.contentHash ?? undefined,
    imageDeletedAt: row.imageDeletedAt ?? undefined,
  };
}
