import { LEASE_TTL_MS } from "@gantry/sdk/contract";
import type pg from "pg";
import type { JournalStore } from "../../journal/journal-store.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import { GroupCommit } from "./group-commit.ts";
import { appendDone } from "./journal-append.ts";
import { appendOpen } from "./journal-open.ts";
import { askJournal, journalNews, loadJournal, viewJournal } from "./journal-reads.ts";
import { type AppendCall, type AppendReply, asJournalError, checkValues } from "./journal-rows.ts";
import { park } from "./parking.ts";
import { archiveJournals } from "./settlements.ts";
import { nextDueInMs, wake } from "./wakes.ts";

export interface JournalStoreOptions {
  leaseTtlMs?: number;
  /** After a commit that leaves the wake loop something to do. */
  onWake?(): void;
  /** Seals what a runner says to the next; without it no process can be stored. */
  secrets?: SecretBox;
}

/** Bad data, a limit, a deadlock: no other call of the batch is to blame. */
const isItemsFault = (error: unknown) => /^(?:22|23|54|40)/.test(String((error as { code?: unknown }).code));

const sizeOf = ({ entries }: AppendCall) =>
  entries.reduce((sum, entry) => sum + 500 + (entry.type === "done" ? (entry.value?.length ?? 0) : 0), 500);

export function createPostgresJournalStore(
  pool: pg.Pool,
  { leaseTtlMs = LEASE_TTL_MS, onWake = () => undefined, secrets }: JournalStoreOptions = {},
): JournalStore {
  const ended = new GroupCommit<AppendCall, AppendReply>({
    // A run's steps wait for each other: each would pay for the timer.
    isPrompt: true,
    run: (calls) => appendDone(pool, calls),
    bytesOf: sizeOf,
    isItemsFault,
    maxItems: 500,
    maxBytes: 8 * 1024 * 1024,
    maxWaitMs: 2,
    maxInFlight: 2,
  });
  const stored = async (call: AppendCall): Promise<AppendReply> => {
    try {
      return await (call.entries.every((entry) => entry.type === "done") ? ended.add(call) : appendOpen(pool, call));
    } catch (error) {
      throw asJournalError(error);
    }
  };

  return {
    async append(owner, known, entries, limits) {
      if (entries.length === 0) return askJournal(pool, owner, known);
      checkValues(entries, limits);
      const reply = await stored({ owner, known, entries, limits });
      if (reply !== "fenced" && reply.state === "PARKED" && reply.completions.length > 0) onWake();
      return reply;
    },
    async park(owner, request, maxHeld, maxCheckpointBytes = Number.MAX_SAFE_INTEGER) {
      const limits = { maxHeld, maxCheckpointBytes, leaseTtlMs };
      const parked = await park(pool, owner, request, limits, secrets);
      if (parked === "fenced") return parked;
      if (parked.ended.some((run) => run.isSettling)) onWake();
      return parked.reply;
    },
    load: (environmentId, runId) => loadJournal(pool, environmentId, runId),
    view: (environmentId, runId, after, limit) => viewJournal(pool, environmentId, runId, after, limit),
    wake: (limit) => wake(pool, limit),
    nextDueInMs: () => nextDueInMs(pool),
    news: (executions) => journalNews(pool, executions),
    archive: (limit) => archiveJournals(pool, limit),
  };
}
