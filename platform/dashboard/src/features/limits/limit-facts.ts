import type { Limits } from "@gantry/sdk/contract";

export type LimitName = keyof Limits;
type Unit = "count" | "bytes" | "milliseconds" | "days";

export interface LimitFact {
  label: string;
  unit: Unit;
  /** What it bounds, and what happens at it. */
  meaning: string;
}

/** Every limit, in the groups and the order in which they are shown. */
export const LIMIT_GROUPS: readonly { title: string; limits: Partial<Record<LimitName, LimitFact>> }[] = [
  {
    title: "Execution",
    limits: {
      environmentConcurrency: count("Runs at once", "Runs that execute at the same time. More wait in their queues."),
      devConcurrency: count("Runs at once, in development", "The same for development environments."),
      queuedRuns: count("Queued runs", "Runs that are queued or delayed. A trigger beyond it is refused."),
      maxHeld: count(
        "Held workers",
        "Workers kept for runs that wait in mode hold; -1: as many as runs may execute at once. At the limit no new root run starts.",
      ),
      maxAttempts: count("Attempts", "What a task's retry.maxAttempts may be at most."),
      platformLosses: count("Lost executions", "Executions lost by the platform's fault before a run is given up."),
      treeDepth: count("Depth of a tree", "How deep runs may trigger runs."),
      openChildrenPerRun: count("Open children", "Children of one run that have not ended."),
      pendingVersionMs: ms("Wait for a version", "How long a run may wait for a version that is not deployed."),
      devTtlMs: ms("ttl in development", "Of a run in development that gives none: it expires unless it starts."),
      schedules: count("Schedules", "Declared ones and those made by the API."),
    },
  },
  {
    title: "Data",
    limits: {
      payloadBytes: bytes("Payload", "Of one run. A larger one is refused: store it elsewhere and pass a reference."),
      outputBytes: bytes("Output", "Of one run, or of a token's completion."),
      metadataBytes: bytes("Metadata", "Of one run."),
      tagsPerRun: count("Tags of a run", "Tokens take as many."),
      tagCharacters: count("Characters of a tag", "A longer tag is refused."),
      batchItems: count("Items of a batch", "In one call."),
      idempotencyKeyCharacters: count("Characters of an idempotency key", "A longer key is refused."),
      idempotencyKeyTtlMs: ms("Life of an idempotency key", "Where the trigger gives none."),
      concurrencyKeyCharacters: count("Characters of a concurrency key", "A longer key is refused."),
    },
  },
  {
    title: "Journal",
    limits: {
      journalEntries: count("Entries of a journal", "Steps, waits and triggers of one run."),
      journalValueBytes: bytes("Value of a step", "What one step may return."),
      journalBytes: bytes("Whole journal", "Of one run."),
    },
  },
  {
    title: "Stored processes",
    limits: {
      checkpointBytes: bytes("Stored process", "Of one run that waits, compressed. A larger one is held."),
      environmentCheckpointBytes: bytes("All stored processes", "Of this environment. Beyond it processes are held."),
    },
  },
  {
    title: "Logs and retention",
    limits: {
      logLineBytes: bytes("Log line", "Longer lines are cut."),
      logLinesPerAttempt: count("Log lines of an attempt", "Then one LOGS_TRUNCATED, and no more."),
      logBytesPerAttempt: bytes("Logs of an attempt", "Then one LOGS_TRUNCATED, and no more."),
      runRetentionDays: days("Runs are kept", "After their end, with their journals."),
      eventRetentionDays: days("Logs are kept", "Logs and events of runs."),
    },
  },
  {
    title: "Streams and sockets",
    limits: {
      streamsPerRun: count("Streams of a run", "In each direction."),
      streamBytes: bytes("Stream", "The JSON of all chunks of one stream."),
      streamChunkBytes: bytes("Chunk", "The JSON of one chunk, or of one message to a run."),
      streamRetentionDays: days("Streams are kept", "After they have ended."),
      subscriptionsPerSocket: count("Subscriptions of a socket", "What one browser or client watches at once."),
    },
  },
  {
    title: "API",
    limits: {
      apiBurst: count("Requests at once", "Of each key, before it is told to wait."),
      apiRefillPerSecond: count("Requests a second", "Of each key, in the long run."),
    },
  },
];

function count(label: string, meaning: string): LimitFact {
  return { label, unit: "count", meaning };
}
function bytes(label: string, meaning: string): LimitFact {
  return { label, unit: "bytes", meaning };
}
function ms(label: string, meaning: string): LimitFact {
  return { label, unit: "milliseconds", meaning };
}
function days(label: string, meaning: string): LimitFact {
  return { label, unit: "days", meaning };
}

const BYTES = { GB: 1024 ** 3, MB: 1024 ** 2, kB: 1024 } as const;
const SPANS = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;

/** In the largest unit that says it exactly: "3 MB" (of 1024 kB), "30d", "1,000". */
export function formatLimit(value: number, unit: Unit): string {
  if (unit === "bytes") return exactly(value, BYTES, " ") ?? `${value} B`;
  if (unit === "milliseconds") return exactly(value, SPANS, "") ?? `${value}ms`;
  if (unit === "days") return `${value}d`;
  return new Intl.NumberFormat("en").format(value);
}

function exactly(value: number, units: Record<string, number>, between: string): string | undefined {
  const unit = Object.entries(units).find(([, size]) => value >= size && value % size === 0);
  return unit === undefined ? undefined : `${value / unit[1]}${between}${unit[0]}`;
}

/** What a person typed, in the limit's own unit; undefined where it is none. */
export function parseLimit(text: string, unit: Unit): number | undefined {
  const [, number, word = ""] = /^(-?[\d., ]*\d)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  const amount = Number(number.replaceAll(/[, ]/g, ""));
  const factor = factorOf(word, unit);
  const value = factor === undefined ? Number.NaN : amount * factor;
  return Number.isSafeInteger(value) ? value : undefined;
}

function factorOf(word: string, unit: Unit): number | undefined {
  if (word === "") return 1;
  if (unit === "bytes") {
    const name = word.toLowerCase().replace(/i?b$/, "");
    return { "": 1, k: BYTES.kB, m: BYTES.MB, g: BYTES.GB }[name];
  }
  const span = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }[word.toLowerCase()];
  if (unit === "milliseconds") return span;
  return unit === "days" && span !== undefined && span >= SPANS.d ? span / SPANS.d : undefined;
}

/** From 80 % on a limit is worth a look. */
export type UsageLevel = "ok" | "near" | "full";
export const NEAR = 0.8;

export function usageLevel(used: number, value: number): UsageLevel {
  if (value < 0) return "ok";
  if (used >= value) return "full";
  return used >= value * NEAR ? "near" : "ok";
}
