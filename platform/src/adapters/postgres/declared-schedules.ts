import type { Manifest } from "@gantry/sdk/contract";
import { newUuid } from "../../ids.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { nextDue } from "../../schedules/next-due-policy.ts";
import { isMeantFor, timingOf } from "../../schedules/schedule-defaults-policy.ts";
import type { Prisma } from "./prisma-client/client.ts";
import { dueColumns, type ScheduleRow } from "./schedule-rows.ts";

/**
 * Makes an environment's declared schedules those of the version that becomes current, in its transaction: new ones begin,
 * changed ones wait for what they say now, those that are gone stop. A schedule keeps its id and its pause while it is gone,
 * so that a rollback restores it.
 */
export async function syncDeclaredSchedules(
  tx: Prisma.TransactionClient,
  environment: EnvironmentRef,
  manifest: Manifest,
  nowMs: number,
): Promise<void> {
  const known = await tx.$queryRaw<ScheduleRow[]>`
    select * from schedule where environment_id = ${environment.id} and kind = 'DECLARATIVE' for no key update`;
  const byTask = new Map(known.map((row) => [row.task_id, row]));
  const wanted = manifest.tasks.flatMap(({ id: taskId, schedule }) => {
    if (schedule === undefined || !isMeantFor(schedule, environment)) return [];
    const before = byTask.get(taskId);
    const timing = timingOf(schedule, environment);
    const id = before?.id ?? newUuid();
    const isSame =
      before?.removed_at === null &&
      before.next_due_at !== null &&
      before.next_start_at !== null &&
      before.cron === timing.cron &&
      before.timezone === timing.timezone &&
      before.jitter === (timing.jitter ?? null);
    const next = isSame
      ? { dueAt: (before.next_due_at as Date).getTime(), startAt: (before.next_start_at as Date).getTime() }
      : nextDue({ ...timing, id }, nowMs);
    return [{ id, taskId, timing, next }];
  });
  await removeOthers(
    tx,
    environment,
    wanted.map(({ id }) => id),
  );
  if (wanted.length === 0) return;
  const rows = wanted.map(({ id, taskId, timing, next }) => ({
    id,
    task_id: taskId,
    cron: timing.cron,
    timezone: timing.timezone,
    overlap: timing.overlap,
    catch_up: timing.catchUp,
    catch_up_window_ms: timing.catchUpWindowMs,
    jitter: timing.jitter ?? null,
    ...dueColumns(next),
  }));
  await tx.$executeRaw`
    insert into schedule (id, environment_id, kind, task_id, cron, timezone, overlap, catch_up, catch_up_window_ms, jitter,
      next_due_at, next_start_at)
    select i.id, ${environment.id}, 'DECLARATIVE', i.task_id, i.cron, i.timezone, i.overlap, i.catch_up,
      i.catch_up_window_ms, i.jitter, i.next_due_at, i.next_start_at
    from json_to_recordset(${JSON.stringify(rows)}::json) as i (
      id uuid, task_id text, cron text, timezone text, overlap text, catch_up text, catch_up_window_ms bigint, jitter text,
      next_due_at timestamptz, next_start_at timestamptz)
    on conflict (id) do update set cron = excluded.cron, timezone = excluded.timezone, overlap = excluded.overlap,
      catch_up = excluded.catch_up, catch_up_window_ms = excluded.catch_up_window_ms, jitter = excluded.jitter,
      next_due_at = excluded.next_due_at, next_start_at = excluded.next_start_at, removed_at = null, updated_at = now()`;
}

async function removeOthers(tx: Prisma.TransactionClient, environment: EnvironmentRef, kept: string[]): Promise<void> {
  await tx.$executeRaw`
    with gone as (
      update schedule set removed_at = now(), next_due_at = null, next_start_at = null, updated_at = now()
      where environment_id = ${environment.id} and kind = 'DECLARATIVE' and removed_at is null
        and not (id = any (${kept}::uuid[]))
      returning id)
    update schedule_due d set state = 'skipped', reason = 'REMOVED'
    from gone g where d.schedule_id = g.id and d.state in ('claimed', 'waiting')`;
}
