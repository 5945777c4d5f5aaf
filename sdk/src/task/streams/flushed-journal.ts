import type { JournalHost } from "../host.ts";
import type { RunStreams } from "./run-streams.ts";

/** A run says that it only waits once what it wrote to streams is stored: its process may be ended then. */
export function flushedJournal(journal: JournalHost, streams: Pick<RunStreams, "hasUnsent" | "flush">): JournalHost {
  let version = 0;
  const { isBusy } = journal;
  return {
    append: (entries) => journal.append(entries),
    onCompletions: (listener) => journal.onCompletions(listener),
    waiting(state) {
      const mine = ++version;
      if (state === undefined || !streams.hasUnsent) return journal.waiting(state);
      void streams.flush().then(() => mine === version && journal.waiting(state));
    },
    ...(isBusy === undefined ? {} : { isBusy: () => isBusy.call(journal) }),
  };
}
