import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { encodeId } from "../../src/ids.ts";
import { createInsightsService, type InsightsService } from "../../src/insights/insights.ts";
import type { BulkActionStore, NewBulkAction } from "../../src/runs/bulk-action.ts";
import { type BulkActionService, createBulkActionService } from "../../src/runs/bulk-actions.ts";
import { FakeClock } from "./fake-clock.ts";

/** Insights of an environment in which nothing has happened. */
export function fakeInsights(): InsightsService {
  return createInsightsService({
    clock: new FakeClock(Date.now()),
    limits: async () => ({ ...DEFAULT_LIMITS }),
    store: {
      tasks: async () => [],
      task: async () => undefined,
      lastRuns: async () => new Map(),
      stats: async () => new Map(),
      errors: async () => ({ groups: [], next: undefined }),
      error: async () => undefined,
      errorStats: async () => new Map(),
      batches: async () => [],
      usage: async () => ({ pausedAt: undefined, executing: 1, queued: 2, held: 0, schedules: 0, checkpointBytes: 0 }),
      countEnded: async () => false,
      deleteOld: async () => undefined,
    },
  });
}

/** Bulk actions that are kept and never carried out. */
export function fakeBulkActions(): BulkActionService {
  const made: NewBulkAction[] = [];
  const aborted = new Set<string>();
  const find = (environmentId: number, id: string) =>
    made.find((action) => action.environmentId === environmentId && action.id === id);
  const toAction = ({ id, name, type, filter, runIds }: NewBulkAction) => ({
    id: encodeId("bulk", id),
    name,
    type,
    filter: filter?.sent,
    total: runIds?.length ?? 0,
    succeeded: 0,
    failed: 0,
    isSelected: runIds !== undefined,
    isCapped: false,
    createdAt: new Date(),
    completedAt: undefined,
    abortedAt: aborted.has(id) ? new Date() : undefined,
  });
  const store: BulkActionStore = {
    create: async (action) => void made.push(action),
    retrieve: async (environmentId, id) => {
      const action = find(environmentId, id);
      return action && toAction(action);
    },
    failures: async () => [],
    list: async (environmentId, { size }) =>
      made
        .filter((action) => action.environmentId === environmentId)
        .reverse()
        .slice(0, size)
        .map(toAction),
    abort: async (environmentId, id) => find(environmentId, id) !== undefined && Boolean(aborted.add(id)),
    open: async () => [],
    choose: async () => undefined,
    pending: async () => [],
    record: async () => undefined,
    complete: async () => undefined,
    postpone: async () => undefined,
  };
  return createBulkActionService({ store, onCreate: () => undefined });
}
