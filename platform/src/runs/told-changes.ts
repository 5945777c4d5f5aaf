import { encodeId } from "../ids.ts";
import type { JournalStore } from "../journal/journal-store.ts";
import type { RunChanges } from "./run-changes.ts";
import type { RunStore } from "./run-store.ts";

type Changes = Pick<RunChanges, "isWatched" | "touched">;

/** Tells of runs by their UUIDs, after the commit. What nobody watches costs one look. */
function teller(changes: Changes) {
  return (environmentId: number, runIds: Iterable<string | undefined>): void => {
    if (!changes.isWatched(environmentId)) return;
    const ids = new Set<string>();
    for (const runId of runIds) if (runId !== undefined) ids.add(encodeId("run", runId));
    if (ids.size > 0) changes.touched(environmentId, [...ids]);
  };
}

/** The same store, which tells of every run that looks different after a call (its revision has grown). */
export function tellingRunStore(store: RunStore, changes: Changes): RunStore {
  const tell = teller(changes);
  const tellEach = (runs: readonly { environmentId: number; runId: string }[]): void => {
    for (const [environmentId, some] of Map.groupBy(runs, (run) => run.environmentId))
      tell(
        environmentId,
        some.map((run) => run.runId),
      );
  };
  return {
    ...store,
    async insert(runs) {
      const inserted = await store.insert(runs);
      tellEach(
        runs.flatMap(({ environmentId }, index) => {
          const run = inserted[index];
          return run === undefined || run.isCached ? [] : [{ environmentId, runId: run.runId }];
        }),
      );
      return inserted;
    },
    async admit(environmentId, n, announcements, warm) {
      const admitted = await store.admit(environmentId, n, announcements, warm);
      if (admitted !== "busy") tell(environmentId, idsOf(admitted));
      return admitted;
    },
    async start(worker, n) {
      const started = await store.start(worker, n);
      tell(worker.environmentId, idsOf(started));
      return started;
    },
    async finish(requests) {
      const finished = await store.finish(requests);
      const done = new Set(idsOf(finished));
      tellEach(requests.filter((request) => done.has(request.runId)));
      return finished;
    },
    async requeue(request) {
      const put = await store.requeue(request);
      if (put !== "fenced") tellEach([request]);
      return put;
    },
    async suspendLost(execution) {
      const announcement = await store.suspendLost(execution);
      if (announcement !== "fenced") tellEach([execution]);
      return announcement;
    },
    async retryInPlace(request) {
      const next = await store.retryInPlace(request);
      if (next !== undefined) tellEach([request]);
      return next;
    },
    async requestCancel(environmentId, runId, reason, forceAfterMs) {
      const asked = await store.requestCancel(environmentId, runId, reason, forceAfterMs);
      if (asked.state === "idle" || asked.state === "onWorker") tell(environmentId, [runId]);
      return asked;
    },
    async noteHold(execution, hold) {
      const isNoted = await store.noteHold(execution, hold);
      if (isNoted) tellEach([execution]);
      return isNoted;
    },
    async enqueueDue(limit) {
      const due = await store.enqueueDue(limit);
      tellEach(due);
      return due;
    },
    async releasePendingVersions(environmentId, limit) {
      const released = await store.releasePendingVersions(environmentId, limit);
      tell(environmentId, released.runIds);
      return released;
    },
    async reschedule(environmentId, runId, delayUntil) {
      const moved = await store.reschedule(environmentId, runId, delayUntil);
      if (moved === "done") tell(environmentId, [runId]);
      return moved;
    },
    async addTags(environmentId, runId, tags, limit) {
      const all = await store.addTags(environmentId, runId, tags, limit);
      if (typeof all !== "string") tell(environmentId, [runId]);
      return all;
    },
    async updateMetadata(environmentId, runId, apply) {
      const after = await store.updateMetadata(environmentId, runId, apply);
      if (after !== undefined) tell(environmentId, [runId]);
      return after;
    },
    async applyMetadataBatch(execution, batch) {
      const changed = await store.applyMetadataBatch(execution, batch);
      if (changed !== undefined) tell(changed.environmentId, changed.runIds);
      return changed;
    },
  };
}

/** The same store, which tells of runs that begin or cease to wait. */
export function tellingJournalStore(store: JournalStore, changes: Changes): JournalStore {
  const tell = teller(changes);
  return {
    ...store,
    async park(owner, ...parking) {
      const parked = await store.park(owner, ...parking);
      if (parked !== "fenced") tell(owner.environmentId, [parked.runId]);
      return parked;
    },
    async wake(limit) {
      const wakes = await store.wake(limit);
      for (const { environmentId, runId, announcement } of wakes.woken)
        if (announcement !== undefined) tell(environmentId, [runId]);
      return wakes;
    },
  };
}

const idsOf = (runs: readonly { runId: string }[]) => runs.map((run) => run.runId);
