/** What the task files of this process have declared, shared by every copy of the SDK in it. */
import type { SchedulePolicies } from "../client/schedules.ts";
import type { ScheduleDeclaration } from "../contract/manifest.ts";
import type { HookName, Hooks } from "./hooks.ts";
import type { QueueOptions } from "./queue.ts";
import type { AnyTaskOptions } from "./task-options.ts";

export interface RegisteredTask {
  id: string;
  /** Relative to the project; empty when the file was not announced. */
  filePath: string;
  exportName?: string | undefined;
  options: AnyTaskOptions;
  /** Checks and converts a payload; throws what the schema library throws. */
  parsePayload?: ((payload: unknown) => Promise<unknown>) | undefined;
  schema?: unknown;
  /** Of a task made by `schedules.task()`, as it was written. */
  schedule?: DeclaredSchedule | undefined;
}

export interface DeclaredSchedule extends SchedulePolicies {
  cron:
    | string
    | {
        pattern: string;
        timezone?: string | undefined;
        environments?: ScheduleDeclaration["environments"];
        window?: string | undefined;
      }
    | undefined;
}

export interface RegisteredHook<TName extends HookName> {
  name?: string | undefined;
  fn: Hooks[TName];
}

export interface Catalogue {
  version: 1;
  /** The latest task of each id. */
  tasks: Map<string, RegisteredTask>;
  /** Earlier tasks whose id was taken by a later one. */
  shadowed: RegisteredTask[];
  queues: QueueOptions[];
  /** Global hooks in the order of their registration. */
  hooks: { [TName in HookName]?: RegisteredHook<TName>[] };
  /** The task file that is being imported. */
  currentFile: string | undefined;
}

const KEY = Symbol.for("dev.gantry.catalogue");

export function catalogue(): Catalogue {
  const host = globalThis as { [KEY]?: Catalogue };
  host[KEY] ??= { version: 1, tasks: new Map(), shadowed: [], queues: [], hooks: {}, currentFile: undefined };
  return host[KEY];
}

const REGISTERED = Symbol.for("dev.gantry.task");

/** Adds a task and marks its object, so that its export can be found. */
export function registerTask(taskObject: object, registered: RegisteredTask): void {
  const { tasks, shadowed } = catalogue();
  const earlier = tasks.get(registered.id);
  if (earlier) shadowed.push(earlier);
  tasks.set(registered.id, registered);
  Object.defineProperty(taskObject, REGISTERED, { value: registered });
}

/** The registration behind a task object; undefined for anything else. */
export function registeredTask(value: unknown): RegisteredTask | undefined {
  return isObject(value) ? (value as { [REGISTERED]?: RegisteredTask })[REGISTERED] : undefined;
}

/**
 * Imports one task file: tasks declared meanwhile are its own, and the names of its exports are noted.
 *
 * `load` is the file's dynamic import; the bundle's entry calls this once per task file, one after another.
 * Errors: what the file throws on import.
 */
export async function importTaskFile(filePath: string, load: () => Promise<object>): Promise<void> {
  const state = catalogue();
  state.currentFile = filePath;
  try {
    nameExports(filePath, await load());
  } finally {
    state.currentFile = undefined;
  }
}

function nameExports(filePath: string, exports: object): void {
  for (const [exportName, value] of Object.entries(exports)) {
    const task = registeredTask(value);
    if (!task || task.exportName !== undefined) continue;
    task.exportName = exportName;
    task.filePath = filePath;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
