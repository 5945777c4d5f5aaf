import type pg from "pg";
import type { JournalStore } from "../../journal/journal-store.ts";

export function createPostgresJournalStore(_pool: pg.Pool): JournalStore {
  throw new Error("not yet");
}
