/** The one shape of background work: `tick` gets the right answer from the database as it is now, is safe to kill and to run twice. */
export interface Loop {
  name: string;
  /** The processes it runs in: those with workers and requests, those that schedule (where it is left out), or both. */
  role?: "api" | "scheduler" | "any";
  /** Fallback period; a wake runs it sooner. */
  everyMs: number;
  /** Ticks where leadership holds, and asks again before it writes. */
  leaderOnly: boolean;
  /** Least time between two ticks however often it is woken: what comes meanwhile is done together. A wake after a rest is answered at once. */
  minGapMs?: number;
  /** Returns when it wants to run again sooner than `everyMs`, in milliseconds from now, or nothing. */
  tick(now: number): Promise<number | void>;
}
