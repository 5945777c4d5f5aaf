import type { RunStatus } from "@gantry/sdk/contract";
import type pg from "pg";
import { AppError } from "../../errors.ts";
import { encodeId } from "../../ids.ts";
import type { ErrorFilter, ErrorGroup } from "../../insights/insight-store.ts";
import type { StatWindow } from "../../insights/stat-window-policy.ts";
import { binder } from "./run-selection.ts";
import { POINT } from "./task-figures.ts";

interface ErrorRow {
  fingerprint: string;
  task_id: string;
  status: RunStatus;
  name: string;
  code: string | null;
  message: string;
  first_seen_at: Date;
  last_seen_at: Date;
  last_seen: string;
  run_id: string;
}
const ERRORS = `
  select g.*, (extract(epoch from g.last_seen_at) * 1000000)::bigint::text as last_seen from error_group g
  where g.environment_id = $1`;
const SAID = "lower(g.name || ' ' || coalesce(g.code, '') || ' ' || g.message)";
/** Microseconds since the epoch, and the fingerprint. */
const CURSOR = /^(\d{1,18})_([0-9a-f]{16})$/;

export async function listErrorGroups(
  pool: pg.Pool,
  environmentId: number,
  { taskIds, search, from }: ErrorFilter,
  { after, size }: { after: string | undefined; size: number },
): Promise<{ groups: ErrorGroup[]; next: string | undefined }> {
  const values: unknown[] = [environmentId];
  const bind = binder(values);
  const conditions = [`g.last_seen_at >= ${bind(from)}`];
  if (taskIds !== undefined) conditions.push(`g.task_id = any (${bind(taskIds)}::text[])`);
  if (search !== undefined && search !== "") conditions.push(`position(lower(${bind(search)}) in ${SAID}) > 0`);
  if (after !== undefined) {
    const [, lastSeen, fingerprint] = CURSOR.exec(after) ?? [];
    if (lastSeen === undefined)
      throw new AppError("BAD_REQUEST", `"${after.slice(0, 60)}" is no place in the list of errors.`);
    const at = `'epoch'::timestamptz + ${bind(lastSeen)}::bigint * interval '1 microsecond'`;
    conditions.push(`(g.last_seen_at, g.fingerprint) < (${at}, ${bind(fingerprint)})`);
  }
  const { rows } = await pool.query<ErrorRow>({
    text: `${ERRORS} and ${conditions.join(" and ")}
           order by g.last_seen_at desc, g.fingerprint desc limit ${bind(size + 1)}`,
    values,
  });
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const next = rows.length > size && last !== undefined ? `${last.last_seen}_${last.fingerprint}` : undefined;
  return { groups: shown.map(toGroup), next };
}

export async function retrieveErrorGroup(
  pool: pg.Pool,
  environmentId: number,
  fingerprint: string,
): Promise<ErrorGroup | undefined> {
  const { rows } = await pool.query<ErrorRow>({
    name: "error-group",
    text: `${ERRORS} and g.fingerprint = $2`,
    values: [environmentId, fingerprint],
  });
  return rows[0] && toGroup(rows[0]);
}

function toGroup(row: ErrorRow): ErrorGroup {
  return {
    fingerprint: row.fingerprint,
    taskId: row.task_id,
    status: row.status,
    name: row.name,
    code: row.code ?? undefined,
    message: row.message,
    firstSeenAt: row.first_seen_at,
    lastSeenAt: row.last_seen_at,
    sampleRunId: encodeId("run", row.run_id),
  };
}

export async function errorStats(
  pool: pg.Pool,
  environmentId: number,
  fingerprints: string[],
  { fromMs, bucketMs, resolution }: StatWindow,
): Promise<Map<string, number[]>> {
  const { rows } = await pool.query<{ fingerprint: string; point: number; runs: number }>({
    name: "error-stats",
    text: `select fingerprint, ${POINT}, sum(runs)::int as runs from error_stat
           where environment_id = $1 and fingerprint = any ($2::text[]) and resolution = $3
             and bucket_at >= to_timestamp($4::float8 / 1000)
           group by 1, 2`,
    values: [environmentId, fingerprints, resolution, fromMs, bucketMs],
  });
  const counts = new Map<string, number[]>();
  for (const { fingerprint, point, runs } of rows) {
    const points = counts.get(fingerprint) ?? [];
    points[point] = runs;
    counts.set(fingerprint, points);
  }
  return counts;
}
