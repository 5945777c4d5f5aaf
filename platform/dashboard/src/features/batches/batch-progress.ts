/** How far a batch is, from its counts. */
export interface BatchCounts {
  triggered: number;
  live: number;
  failed: number;
  errors: number;
}
export interface BatchProgress {
  /** Runs that ended well, or were canceled. */
  succeeded: number;
  failed: number;
  live: number;
  /** Items that have not become runs yet. */
  pending: number;
  total: number;
  /** 0 to 1: what needs nothing more. */
  share: number;
  isDone: boolean;
}

export function batchProgress(runCount: number, counts: BatchCounts): BatchProgress {
  const failed = counts.failed + counts.errors;
  const total = Math.max(runCount, counts.triggered + counts.errors);
  const succeeded = Math.max(0, counts.triggered - counts.live - counts.failed);
  const pending = Math.max(0, total - counts.triggered - counts.errors);
  const done = succeeded + failed;
  return {
    succeeded,
    failed,
    live: counts.live,
    pending,
    total,
    share: total === 0 ? 1 : done / total,
    isDone: counts.live === 0 && pending === 0,
  };
}

/** "12 of 40 ended, 2 failed, 20 to go, 8 not sent yet". */
export function progressWords({ succeeded, failed, live, pending, total }: BatchProgress): string {
  const parts = [`${succeeded + failed} of ${total} ended`];
  if (failed > 0) parts.push(`${failed} failed`);
  if (live > 0) parts.push(`${live} to go`);
  if (pending > 0) parts.push(`${pending} not sent yet`);
  return parts.join(", ");
}
