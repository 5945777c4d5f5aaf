import type { Checkpoint } from "../contract/checkpoint.ts";
import { readCheckpoint } from "../contract/checkpoint-option.ts";
import { parseDurationMs } from "../contract/duration.ts";
import { machineName } from "../contract/machine-presets.ts";
import type { Manifest, QueueDeclaration, TaskDeclaration } from "../contract/manifest.ts";
import { catalogue, type RegisteredTask } from "./catalogue.ts";
import { describeSchedule } from "./describe-schedule.ts";
import type { QueueOptions } from "./queue.ts";
import { jsonSchemaOf } from "./schema.ts";

/** What the task files declare is wrong; `code` is stable, the message names the task or queue and its file. */
export class DeclarationError extends Error {
  override readonly name = "DeclarationError";
  readonly code:
    | "DUPLICATE_TASK_ID"
    | "INVALID_DURATION"
    | "INVALID_SCHEDULE"
    | "INVALID_TASK_ID"
    | "CONFLICTING_QUEUES"
    | "INVALID_CHECKPOINT";

  constructor(code: DeclarationError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The manifest's tasks and queues, after all task files were imported.
 *
 * Errors: DeclarationError for two tasks of one id, an id, a duration or a checkpoint that is none, two different queues of one name.
 */
export function describeCatalogue(): Pick<Manifest, "tasks" | "queues"> {
  const { tasks, shadowed } = catalogue();
  const [duplicate] = shadowed;
  if (duplicate) throw duplicateTask(duplicate, tasks.get(duplicate.id));
  const all = [...tasks.values()];
  return { tasks: all.map(describeTask), queues: describeQueues(all) };
}

function duplicateTask(first: RegisteredTask, second: RegisteredTask | undefined): DeclarationError {
  const files = [...new Set([first.filePath, second?.filePath])].filter(Boolean).join(" and ");
  const where = files === "" ? "" : ` (in ${files})`;
  return new DeclarationError(
    "DUPLICATE_TASK_ID",
    `Two tasks have the id "${first.id}"${where}. Give each task an id of its own.`,
  );
}

function describeTask(task: RegisteredTask): TaskDeclaration {
  const { options } = task;
  if (typeof task.id !== "string" || task.id.length === 0 || task.id.length > 128) {
    throw new DeclarationError("INVALID_TASK_ID", `A task in ${task.filePath} has no id of 1 to 128 characters.`);
  }
  return dropUndefined({
    id: task.id,
    filePath: task.filePath,
    exportName: task.exportName,
    description: options.description,
    queue: queueNameOf(task),
    retry: options.retry,
    machine: machineName(options.machine),
    maxDuration: options.maxDuration,
    ttlMs: options.ttl === undefined ? undefined : durationMs(options.ttl, 1000, `ttl of task "${task.id}"`),
    payloadSchema: options.jsonSchema ?? jsonSchemaOf(task.schema),
    hasOnFailure: needsFailureRun(task),
    checkpoint: checkpointOf(task),
    kind: task.schedule === undefined ? ("STANDARD" as const) : ("SCHEDULED" as const),
    schedule: describeSchedule(task),
  });
}

function checkpointOf({ id, filePath, options }: RegisteredTask): Partial<Checkpoint> | undefined {
  if (options.checkpoint === undefined) return undefined;
  const read = readCheckpoint(options.checkpoint);
  if (typeof read !== "string") return read;
  throw new DeclarationError("INVALID_CHECKPOINT", `checkpoint of task "${id}" (${filePath}) ${read}.`);
}

/** Whether a run that ended without its process needs another one for its hooks. */
function needsFailureRun({ options }: RegisteredTask): boolean {
  const { hooks } = catalogue();
  const globals = (hooks.onFailure?.length ?? 0) + (hooks.onComplete?.length ?? 0);
  return Boolean(options.onFailure ?? options.onComplete) || globals > 0;
}

function queueNameOf({ id, options: { queue } }: RegisteredTask): string | undefined {
  if (typeof queue !== "object") return queue;
  return queue.name ?? `task/${id}`;
}

/** Declared queues by name; a task's unnamed limits make a queue `task/<id>`. */
function describeQueues(tasks: RegisteredTask[]): QueueDeclaration[] {
  const byName = new Map<string, QueueDeclaration>();
  const inline = tasks.flatMap((task) => {
    const { queue } = task.options;
    return typeof queue === "object" ? [{ ...queue, name: queueNameOf(task) as string }] : [];
  });
  for (const queue of [...catalogue().queues, ...inline]) {
    const declared = describeQueue(queue);
    // A task may name a queue by an object that says no more than its name.
    if (byName.has(declared.name) && Object.keys(declared).length === 1) continue;
    const known = byName.get(declared.name);
    if (known && Object.keys(known).length > 1 && JSON.stringify(known) !== JSON.stringify(declared)) {
      throw new DeclarationError("CONFLICTING_QUEUES", `The queue "${queue.name}" is declared twice, differently.`);
    }
    byName.set(declared.name, declared);
  }
  return [...byName.values()];
}

function describeQueue({
  name,
  concurrencyLimit,
  combinedConcurrencyLimit,
  rateLimit,
}: QueueOptions): QueueDeclaration {
  return dropUndefined({
    name,
    concurrencyLimit,
    combinedConcurrencyLimit,
    rateLimit: rateLimit && {
      limit: rateLimit.limit,
      periodMs: durationMs(rateLimit.period, 1, `rateLimit.period of queue "${name}"`),
      key: rateLimit.key ?? "concurrencyKey",
    },
  });
}

/** A number counts in `unitMs`. */
function durationMs(value: string | number, unitMs: number, what: string): number {
  const ms = typeof value === "number" ? value * unitMs : parseDurationMs(value);
  if (ms === undefined || !(ms > 0)) {
    throw new DeclarationError("INVALID_DURATION", `${what} is "${value}": write it like "30s", "5m" or "1h30m".`);
  }
  return Math.round(ms);
}

function dropUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as never;
}
