import type pg from "pg";
import type { Build, BuildLine, BuildStore } from "../../deployments/build-store.ts";
import { storableText } from "./storable-text.ts";

const KEPT = 50;

interface Row {
  id: string;
  status: Build["status"];
  content_hash: string;
  task_count: number;
  version: string | null;
  is_new: boolean | null;
  error_code: string | null;
  error_message: string | null;
  started_at: Date;
  ended_at: Date | null;
}

const CUT_OFF = "b.status = 'BUILDING' and b.seen_at < now() - interval '1 minute'";
const SHOWN = `b.id, b.content_hash, b.task_count, b.version, b.is_new, b.started_at,
  case when ${CUT_OFF} then 'FAILED' else b.status end as status,
  case when ${CUT_OFF} then 'BUILD_CUT_OFF' else b.error_code end as error_code,
  case when ${CUT_OFF} then 'The platform that built it is gone.' else b.error_message end as error_message,
  case when ${CUT_OFF} then b.seen_at else b.ended_at end as ended_at`;

export function createBuildStore(pool: pg.Pool): BuildStore {
  return {
    async begin(environmentId, { id, contentHash, taskCount }) {
      await pool.query({
        name: "begin-build",
        text: `with old as (
                 delete from build where id in (
                   select id from build where environment_id = $2 and status <> 'BUILDING' order by id desc offset $5)
               )
               insert into build (id, environment_id, content_hash, task_count) values ($1, $2, $3, $4)`,
        values: [id, environmentId, storableText(contentHash), taskCount, KEPT - 1],
      });
    },
    append: (id, from, lines) => appendLines(pool, id, from, lines),
    async end(id, outcome) {
      const isDeployed = outcome.status === "DEPLOYED";
      const error = isDeployed ? undefined : outcome.error;
      await pool.query({
        name: "end-build",
        text: `update build set status = $2, version = $3, is_new = $4, error_code = $5, error_message = $6, ended_at = now()
               where id = $1 and status = 'BUILDING'`,
        values: [
          id,
          outcome.status,
          isDeployed ? outcome.version : null,
          isDeployed ? outcome.isNew : null,
          error?.code ?? null,
          error === undefined ? null : storableText(error.message),
        ],
      });
    },
    async list(environmentId, { version, limit }) {
      const { rows } = await pool.query<Row>({
        name: "list-builds",
        text: `select ${SHOWN} from build b where b.environment_id = $1 and ($2::text is null or b.version = $2)
               order by b.id desc limit $3`,
        values: [environmentId, version ?? null, limit],
      });
      return rows.map(toBuild);
    },
    async retrieve(environmentId, id) {
      const { rows } = await pool.query<Row>({
        name: "retrieve-build",
        text: `select ${SHOWN} from build b where b.environment_id = $1 and b.id = $2`,
        values: [environmentId, id],
      });
      return rows[0] === undefined ? undefined : toBuild(rows[0]);
    },
    async lines(id, from, limit) {
      const { rows } = await pool.query<{ index: number; step: string | null; message: string; at: Date }>({
        name: "build-lines",
        text: "select index, step, message, at from build_line where build_id = $1 and index >= $2 order by index limit $3",
        values: [id, from, limit],
      });
      return rows.map(({ step, ...line }) => ({ ...line, step: (step ?? undefined) as BuildLine["step"] }));
    },
  };
}

async function appendLines(pool: pg.Pool, id: string, from: number, lines: readonly BuildLine[]): Promise<void> {
  await pool.query({
    name: "append-build-lines",
    text: `with alive as (update build set seen_at = now() where id = $1 returning id)
           insert into build_line (build_id, index, step, message, at)
           select a.id, $2 + l.n - 1, l.step, l.message, l.at
           from alive a, unnest($3::text[], $4::text[], $5::timestamptz[]) with ordinality as l (step, message, at, n)`,
    values: [
      id,
      from,
      lines.map(({ step }) => step ?? null),
      lines.map(({ message }) => storableText(message)),
      lines.map(({ at }) => at),
    ],
  });
}

function toBuild(row: Row): Build {
  return {
    id: row.id,
    status: row.status,
    contentHash: row.content_hash,
    taskCount: row.task_count,
    version: row.version ?? undefined,
    isNew: row.is_new ?? undefined,
    error: row.error_code === null ? undefined : { code: row.error_code, message: row.error_message ?? row.error_code },
    startedAt: row.started_at,
    endedAt: row.ended_at ?? undefined,
  };
}
