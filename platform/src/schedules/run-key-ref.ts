/**
 * The idempotency key of a due time's run: triggering it again is harmless, and the run tells by it where it is from. Its
 * prefix keeps it after a run that failed (see finish-runs): a due time has one run, whatever becomes of it.
 */
const PREFIX = "gantry.schedule/";
const KEY = /^gantry\.schedule\/([0-9a-f-]{36})\/(\d{4}-\d{2}-\d{2}T[\d:.]+Z)$/;

export function runKey(scheduleId: string, dueAt: number): string {
  return `${PREFIX}${scheduleId}/${new Date(dueAt).toISOString()}`;
}

/** Undefined where the run is from no schedule. */
export function parseRunKey(key: string | undefined): { scheduleId: string; dueAt: number } | undefined {
  const [, scheduleId, due] = KEY.exec(key ?? "") ?? [];
  const dueAt = Date.parse(due ?? "");
  return scheduleId === undefined || Number.isNaN(dueAt) ? undefined : { scheduleId, dueAt };
}
