import type { Schedule } from "../../src/schedules/schedule.ts";
import type { ScheduleStore } from "../../src/schedules/schedule-store.ts";

/** Schedules in memory, for tests of the edge; nothing is ever due here. What Postgres does is tested on Postgres. */
export function fakeScheduleStore(guard: () => void): ScheduleStore {
  const schedules = new Map<string, Schedule>();
  const find = (environmentId: number, id: string) => {
    guard();
    const schedule = schedules.get(id);
    return schedule?.environmentId === environmentId ? schedule : undefined;
  };
  const keep = (schedule: Schedule) => {
    schedules.set(schedule.id, schedule);
    return schedule;
  };
  return {
    async save(wanted, next, max) {
      guard();
      const all = [...schedules.values()].filter(({ environmentId }) => environmentId === wanted.environmentId);
      const known = all.find(({ deduplicationKey }) => deduplicationKey === wanted.deduplicationKey);
      if (known === undefined && all.length >= max) return undefined;
      const id = known?.id ?? wanted.id;
      const due = next(id);
      const fresh = { pausedAt: undefined, lastDueAt: undefined, createdAt: new Date(), updatedAt: new Date() };
      const times = { nextDueAt: due?.dueAt, nextStartAt: due?.startAt };
      return keep({ kind: "IMPERATIVE", ...fresh, ...known, ...wanted, ...times, id });
    },
    async change(wanted, next) {
      const known = find(wanted.environmentId, wanted.id);
      const due = next(wanted.id);
      return known && keep({ ...known, ...wanted, nextDueAt: due?.dueAt, nextStartAt: due?.startAt });
    },
    retrieve: async (environmentId, id) => find(environmentId, id),
    async list(environmentId, { page, perPage }) {
      guard();
      const all = [...schedules.values()].filter((schedule) => schedule.environmentId === environmentId);
      return { schedules: all.slice((page - 1) * perPage, page * perPage), total: all.length };
    },
    remove: async (environmentId, id) => find(environmentId, id) !== undefined && schedules.delete(id),
    async setPaused(environmentId, id, paused) {
      const known = find(environmentId, id);
      return known && keep({ ...known, pausedAt: paused ? (known.pausedAt ?? new Date()) : undefined });
    },
    recordRun: async () => undefined,
    claim: async () => 0,
    workOff: async () => 0,
    nextInMs: async () => undefined,
  };
}
