import type { JournalAppend, JournalDone, JournalOpen } from "@gantry/sdk/contract";
import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import type { Pool } from "pg";
import { createPostgresJournalStore } from "../../src/adapters/postgres/postgres-journal-store.ts";
import type { JournalOwner, JournalReply, JournalStore, ParkRequest, Woken } from "../../src/journal/journal-store.ts";
import type { AdmittedRun, LaneAnnouncement } from "../../src/runs/run-store.ts";
import { storeActs } from "./store-acts.ts";

/** What a worker would send for a call that has ended. */
export function done(entry: number, over: Partial<JournalDone> = {}): JournalDone {
  return {
    type: "done",
    kind: "step",
    entry,
    key: `step-${entry}`,
    label: `step ${entry}`,
    after: 0,
    attempt: 1,
    ok: true,
    value: `"value ${entry}"`,
    valueType: "application/json",
    startedAt: Date.now(),
    tries: 1,
    ...over,
  };
}

type Target =
  | { inMs: number; idempotencyKey?: string }
  | { at: number }
  | { tokenId: string; timeoutMs?: number }
  | { childRunId: string }
  | { batchId: string };

/** What a worker would send for a wait. */
export function opened(entry: number, target: Target, after = 0): JournalOpen {
  const call = { type: "open" as const, entry, key: `wait-${entry}`, label: `wait ${entry}`, after, attempt: 1 };
  if ("tokenId" in target) return { ...call, kind: "token", ...target };
  if ("childRunId" in target) return { ...call, kind: "child", ...target };
  if ("batchId" in target) return { ...call, kind: "batch", ...target };
  if ("at" in target) return { ...call, kind: "time", due: { at: target.at } };
  const { inMs, ...key } = target;
  return { ...call, kind: "time", due: { inMs }, ...key };
}

/** What tests of journals do again and again, on an environment of their own with one queue. */
export async function journalActs(pool: Pool, journals: JournalStore = createPostgresJournalStore(pool)) {
  const runs = await storeActs(pool);
  const { at } = runs;
  const ownerOf = (run: { executionId: string; fence: string }): JournalOwner => ({
    environmentId: at.environmentId,
    executionId: run.executionId,
    fence: run.fence,
  });
  const acts = {
    ...runs,
    journals,
    ownerOf,
    async append(run: AdmittedRun, known: number, ...entries: JournalAppend[]): Promise<JournalReply> {
      const reply = await journals.append(ownerOf(run), known, entries, DEFAULT_LIMITS);
      if (reply === "fenced") throw new Error("the execution is fenced");
      return reply;
    },
    async park(run: AdmittedRun, known: number, mode: ParkRequest["mode"] = "replay", over: Partial<ParkRequest> = {}) {
      const request: ParkRequest = {
        attempt: 1,
        known,
        mode,
        reason: mode === "hold" ? "HOLD_MODE" : "LONG_WAIT",
        computeMs: 5,
        ifLost: { then: "fail", because: "fetch (task.ts:3)" },
        ...over,
      };
      const reply = await journals.park(ownerOf(run), request, 100);
      if (reply === "fenced") throw new Error("the execution is fenced");
      return reply;
    },
    async manyExecuting(n: number): Promise<AdmittedRun[]> {
      const inserted = await runs.store.insert(Array.from({ length: n }, () => at.run(runs.queueId)));
      return runs.admit(inserted.flatMap(({ announcement }) => announcement ?? []));
    },
    /** A run that waits for an hour, on no worker or with its worker held. */
    async waiting(mode: "hold" | "replay" = "replay", over: Parameters<typeof runs.executing>[0] = {}) {
      const run = await runs.executing(over);
      await acts.append(run, 0, opened(0, { inMs: 3_600_000 }));
      await acts.park(run, 0, mode);
      return run;
    },
    /** As the wake loop does until there is nothing left to do. */
    async wake(): Promise<Woken[]> {
      const all: Woken[] = [];
      for (;;) {
        const { woken, isMore } = await journals.wake(1000);
        all.push(...woken);
        if (!isMore) return all;
      }
    },
    /** Wakes, and admits what was woken. */
    async resume(): Promise<AdmittedRun[]> {
      return runs.admit(announced(await acts.wake()));
    },
    /** A time wait is due now. */
    async fallDue(run: { runId: string }): Promise<void> {
      await pool.query("update journal_entry set due_at = now() where run_id = $1 and completed_at is null", [
        run.runId,
      ]);
    },
    async count(from: string, ...values: unknown[]): Promise<number> {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${from}`, values);
      return rows[0]?.n ?? 0;
    },
  };
  return acts;
}

export const announced = (woken: Woken[]): LaneAnnouncement[] =>
  woken.flatMap(({ announcement }) => announcement ?? []);
