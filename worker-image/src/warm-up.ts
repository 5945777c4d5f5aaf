import { type Grant, MACHINE_PRESETS } from "@gantry/sdk/contract";
import { type Catalogue, catalogue, executeTask, type TaskHost } from "@gantry/sdk/task";

const KEY = Symbol.for("dev.gantry.catalogue");
const ID = "gantry/warm-up";
const SILENT: TaskHost = {
  api: undefined,
  emit: () => undefined,
  metadata: () => undefined,
  flush: async () => undefined,
};

/**
 * Runs an empty task once, so that the code between a grant and the first line of a function has been compiled: that first
 * line comes 3 ms sooner. The project's own tasks and hooks are set aside meanwhile; nothing of it is seen outside.
 */
export async function warmUp(): Promise<void> {
  const slot = globalThis as { [KEY]?: Catalogue };
  const project = catalogue();
  const registered = { id: ID, filePath: "", options: { id: ID, run: async () => ({}) } };
  slot[KEY] = { ...project, tasks: new Map([[ID, registered]]), hooks: {} };
  try {
    await executeTask(JSON.parse(JSON.stringify(GRANT)) as Grant, SILENT, new AbortController().signal);
  } finally {
    slot[KEY] = project;
  }
}

const GRANT: Grant = {
  executionId: ID,
  fence: "",
  attempt: 1,
  runToken: "",
  run: {
    id: ID,
    taskId: ID,
    payload: '{"json":{}}',
    payloadType: "application/super+json",
    metadata: "{}",
    tags: [],
    isTest: true,
    createdAt: 0,
    startedAt: 0,
    maxAttempts: 1,
    priority: 0,
    depth: 0,
    version: "",
  },
  queue: { id: "", name: "" },
  machine: MACHINE_PRESETS["small-1x"],
  environment: { id: "", slug: "", type: "DEVELOPMENT" },
  project: { id: "", ref: "", name: "" },
  deployment: { id: "", version: "" },
};
