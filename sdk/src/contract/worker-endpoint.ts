/**
 * What a runner and the platform must agree on before the first message. No schema is here: the runner is started for
 * every run, and loads no schema library.
 */
export const WORKER_PROTOCOL_VERSION = 1;
export const WORKER_CHANNEL_PATH = "/worker/v1/channel";
/** The longest frame either side accepts: an output of 10 MB whose every character needs an escape, and some room. */
export const WORKER_FRAME_BYTES = 32 * 1024 * 1024;

/** `POST`, with `Authorization: Bearer <bootstrap token>`. */
export const WORKER_START_PATH = "/worker/v1/start";

/** The HTTP path of one chunk of a checkpoint, PUT and GET with the worker token; the body is the chunk's bytes. */
export const WORKER_CHECKPOINT_CHUNK_PATH = "/worker/v1/checkpoints/:checkpointId/chunks/:number";

/** A chunk as it is stored, at most; the last one is what is left. */
export const CHECKPOINT_CHUNK_BYTES = 2 * 1024 * 1024;

/** What a Job's container is started with; nothing here is a secret but the token. */
export const WORKER_POD_ENV = {
  url: "GANTRY_WORKER_URL",
  bootstrapToken: "GANTRY_WORKER_BOOTSTRAP_TOKEN",
  /** `name:cpu:memory`, so that the task process can be booted before the answer has come. */
  machine: "GANTRY_WORKER_MACHINE",
  /** Milliseconds: the pod's termination grace less a few seconds for saying good-bye. */
  drainGraceMs: "GANTRY_WORKER_DRAIN_GRACE_MS",
  /** A folder that can be written: the root is read-only. */
  runsDir: "GANTRY_RUNS_DIR",
  bundleDir: "GANTRY_BUNDLE_DIR",
  bundleEntry: "GANTRY_BUNDLE_ENTRY",
  /** `false`: no task of the version waits, so its processes need not watch what tasks do. */
  watches: "GANTRY_WORKER_WATCHES",
  /** `true`: this pod may store the memory of its task's process. */
  checkpoints: "GANTRY_WORKER_CHECKPOINTS",
  /** `true`: this pod was launched for a run whose process was stored: none is to be booted. */
  restores: "GANTRY_WORKER_RESTORES",
  /** The node's name. */
  node: "GANTRY_WORKER_NODE",
} as const;
