import { manifestSchema, type TaskDeclaration } from "@gantry/sdk/contract";
import type pg from "pg";
import type { CatalogedDeployment, DeploymentCatalog } from "../../deployments/deployment-catalog.ts";
import type { DeploymentSource } from "../../deployments/deployment-service.ts";

interface Row {
  id: string;
  environment_id: number;
  version: string;
  manifest: unknown;
  source: DeploymentSource;
  is_image_gone: boolean;
  tasks: { task_id: string; queue_id: number; declaration: TaskDeclaration }[] | null;
}

const SELECT = `
  select d.id, d.environment_id, d.version, d.manifest, d.source, d.image_deleted_at is not null as is_image_gone,
    (select json_agg(json_build_object('task_id', t.task_id, 'queue_id', t.queue_id, 'declaration', t.declaration))
     from task_definition t where t.deployment_id = d.id) as tasks
  from deployment d`;

/** How long another replica's promotion may go unseen; this one's own is seen at once. */
const CURRENT_TTL_MS = 1000;

/** See DeploymentCatalog. Versions never change, so they are kept; which one is current is asked again each second. */
export function createDeploymentCatalog(pool: pg.Pool): DeploymentCatalog {
  const byId = new Map<string, CatalogedDeployment>();
  const byVersion = new Map<string, { at: number; id: string }>();
  const current = new Map<number, { at: number; id: Promise<string | undefined> }>();
  const queueIds = new Map<string, number>();
  const queueNames = new Map<number, string>();

  async function load(where: string, values: unknown[]): Promise<CatalogedDeployment | undefined> {
    const { rows } = await pool.query<Row>({ text: `${SELECT} where ${where}`, values });
    const row = rows[0];
    if (row === undefined) return undefined;
    const deployment = toCataloged(row);
    byId.set(deployment.id, deployment);
    byVersion.set(`${deployment.environmentId}/${deployment.version}`, { at: Date.now(), id: deployment.id });
    return deployment;
  }

  async function currentId(environmentId: number): Promise<string | undefined> {
    const { rows } = await pool.query<{ id: string | null }>({
      name: "current-deployment",
      text: "select current_deployment_id as id from environment where id = $1",
      values: [environmentId],
    });
    return rows[0]?.id ?? undefined;
  }

  const catalog: DeploymentCatalog = {
    async current(environmentId) {
      let known = current.get(environmentId);
      if (known === undefined || Date.now() - known.at > CURRENT_TTL_MS) {
        known = { at: Date.now(), id: currentId(environmentId) };
        current.set(environmentId, known);
        known.id.catch(() => current.delete(environmentId));
      }
      const id = await known.id;
      return id === undefined ? undefined : catalog.byId(id);
    },
    byId: async (id) => byId.get(id) ?? load("d.id = $1", [id]),
    async byVersion(environmentId, version) {
      const known = byVersion.get(`${environmentId}/${version}`);
      // Asked again each second: its image may have been removed.
      if (known !== undefined && Date.now() - known.at < CURRENT_TTL_MS) return catalog.byId(known.id);
      return load("d.environment_id = $1 and d.version = $2 and d.status = 'DEPLOYED'", [environmentId, version]);
    },
    async queueId(environmentId, name) {
      const known = queueIds.get(`${environmentId}/${name}`);
      if (known !== undefined) return known;
      const { rows } = await pool.query<{ id: number }>({
        name: "queue-id",
        text: "select id from queue where environment_id = $1 and name = $2",
        values: [environmentId, name],
      });
      const id = rows[0]?.id;
      if (id !== undefined) queueIds.set(`${environmentId}/${name}`, id);
      return id;
    },
    async queueName(queueId) {
      const known = queueNames.get(queueId);
      if (known !== undefined) return known;
      const { rows } = await pool.query<{ name: string }>({
        name: "queue-name",
        text: "select name from queue where id = $1",
        values: [queueId],
      });
      const name = rows[0]?.name ?? `queue_${queueId}`;
      queueNames.set(queueId, name);
      return name;
    },
    async queueNames(environmentId) {
      const { rows } = await pool.query<{ name: string }>({
        name: "queue-names",
        text: "select name from queue where environment_id = $1 order by name limit 1000",
        values: [environmentId],
      });
      return rows.map((row) => row.name);
    },
    async ensureTaskQueue(environmentId, taskId) {
      const name = `task/${taskId}`;
      const known = await catalog.queueId(environmentId, name);
      if (known !== undefined) return known;
      await pool.query({
        name: "ensure-task-queue",
        text: "insert into queue (environment_id, name, kind) values ($1, $2, 'task') on conflict do nothing",
        values: [environmentId, name],
      });
      return (await catalog.queueId(environmentId, name)) as number;
    },
    invalidate(environmentId) {
      current.delete(environmentId);
      // A version that was registered again with the same code may have moved on disk.
      for (const [id, deployment] of byId) if (deployment.environmentId === environmentId) byId.delete(id);
    },
  };
  return catalog;
}

function toCataloged(row: Row): CatalogedDeployment {
  return {
    id: row.id,
    environmentId: row.environment_id,
    version: row.version,
    manifest: manifestSchema.parse(row.manifest),
    source: row.source,
    isImageGone: row.is_image_gone,
    tasks: new Map(
      (row.tasks ?? []).map((task) => [task.task_id, { declaration: task.declaration, queueId: task.queue_id }]),
    ),
  };
}

/**
 * Whether a version is neither current nor needed by a live run. Executions say so at once; only without any are live
 * runs looked through, which takes a while with a long backlog.
 */
export async function isIdleDeployment(pool: pg.Pool, deploymentId: string): Promise<boolean> {
  const { rows } = await pool.query<{ is_idle: boolean }>({
    name: "is-idle-deployment",
    text: `select case
             when exists (select 1 from environment e where e.current_deployment_id = $1) then false
             when exists (select 1 from execution x where x.deployment_id = $1) then false
             when exists (select 1 from failure_hook h where h.deployment_id = $1) then false
             -- A run that waits on no worker needs none of its version until it is woken.
             else not exists (select 1 from run r join deployment d on d.id = $1 and d.environment_id = r.environment_id
                              where r.deployment_id = $1 and not (r.status = 'WAITING' and r.execution_id is null))
           end as is_idle`,
    values: [deploymentId],
  });
  return rows[0]?.is_idle ?? true;
}
