const KB = 1024;
const MB = 1024 * KB;

/** Every limit a user can meet. Each is per environment and settable; the error that refuses names it. */
export const DEFAULT_LIMITS = {
  /** Runs executing at once in an environment that is not `dev`. */
  environmentConcurrency: 100,
  /** Runs executing at once in a `dev` environment. */
  devConcurrency: 25,
  /** Runs queued or delayed in one environment. */
  queuedRuns: 1_000_000,
  payloadBytes: 3 * MB,
  outputBytes: 10 * MB,
  metadataBytes: 256 * KB,
  tagsPerRun: 10,
  tagCharacters: 128,
  batchItems: 1000,
  idempotencyKeyCharacters: 2048,
  idempotencyKeyTtlMs: 30 * 24 * 3600_000,
  maxAttempts: 250,
  logLineBytes: 64 * KB,
  logLinesPerAttempt: 50_000,
  logBytesPerAttempt: 10 * MB,
  runRetentionDays: 30,
  eventRetentionDays: 14,
  treeDepth: 32,
  openChildrenPerRun: 10_000,
  /** Entries of a run's journal. */
  journalEntries: 10_000,
  /** One value of a journal. */
  journalValueBytes: 3 * MB,
  /** A run's whole journal. */
  journalBytes: 64 * MB,
  /** Workers kept for runs that wait, in one environment; -1: as many as its concurrency limit. */
  maxHeld: -1,
  /** The stored process of one run, compressed. A larger one is held. */
  checkpointBytes: 256 * MB,
  /** Stored processes of one environment together. */
  environmentCheckpointBytes: 10 * 1024 * MB,
  apiBurst: 750,
  apiRefillPerSecond: 25,
  /** How long a run may wait for a version that is not deployed. */
  pendingVersionMs: 3600_000,
  /** `ttl` of a run in a dev environment where none is given. */
  devTtlMs: 600_000,
  /** Executions lost by the platform's fault before a run is given up. */
  platformLosses: 10,
  concurrencyKeyCharacters: 128,
  /** One stream of a run: the JSON of all its chunks. */
  streamBytes: 10 * MB,
  /** The JSON of one chunk, or of one message of an input stream. */
  streamChunkBytes: 1 * MB,
  /** Streams of one run, in each direction. */
  streamsPerRun: 100,
  /** How long streams are kept after they have ended. */
  streamRetentionDays: 7,
  /** Schedules of one environment, declared and made by the API. */
  schedules: 10_000,
  /** What one socket may subscribe to at once. */
  subscriptionsPerSocket: 100,
} as const;
export type Limits = { -readonly [K in keyof typeof DEFAULT_LIMITS]: number };

/** Heartbeats and leases, as in the design's durability rules. */
export const HEARTBEAT_MS = 5_000;
export const LEASE_TTL_MS = 15_000;
export const MAX_OFFLINE_MS = 600_000;
/** How long `onCancel` hooks may run before the process is ended. */
export const CANCEL_GRACE_MS = 30_000;
/** A retry due sooner than this keeps its worker and its place; a later one is DELAYED. */
export const RETRY_IN_PLACE_MS = 30_000;
