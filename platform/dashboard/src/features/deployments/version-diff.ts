import type { TaskDeclaration } from "@gantry/sdk/contract";

export interface VersionTask {
  id: string;
  filePath: string;
  declaration?: TaskDeclaration | undefined;
}
export interface FieldChange {
  field: string;
  before: string;
  after: string;
}
export type TaskChange =
  | { kind: "added" | "removed"; id: string; filePath: string }
  | { kind: "changed"; id: string; filePath: string; fields: FieldChange[] };

/** What a version changed of the tasks of the one before it; in the order of their ids. Code is not compared. */
export function diffVersions(before: readonly VersionTask[], after: readonly VersionTask[]): TaskChange[] {
  const old = new Map(before.map((task) => [task.id, task]));
  const kept = new Set(after.map(({ id }) => id));
  const changes = after.flatMap((task): TaskChange[] => {
    const { id, filePath } = task;
    const known = old.get(id);
    if (known === undefined) return [{ kind: "added", id, filePath }];
    const fields = diffTask(known, task);
    return fields.length === 0 ? [] : [{ kind: "changed", id, filePath, fields }];
  });
  const removed = before.filter(({ id }) => !kept.has(id));
  return [...changes, ...removed.map(({ id, filePath }) => ({ kind: "removed" as const, id, filePath }))].toSorted(
    (a, b) => a.id.localeCompare(b.id),
  );
}

function diffTask(before: VersionTask, after: VersionTask): FieldChange[] {
  const [old, now] = [flat(before), flat(after)];
  const fields = [...new Set([...old.keys(), ...now.keys()])];
  return fields.flatMap((field) => {
    const change = { field, before: old.get(field) ?? "not set", after: now.get(field) ?? "not set" };
    return change.before === change.after ? [] : [change];
  });
}

const UNSAID = new Set(["id", "filePath", "exportName", "hasOnFailure"]);

/** "retry.maxAttempts" → "5". The schema of a payload is one value, whose change is all that is said. */
function flat({ filePath, declaration }: VersionTask): Map<string, string> {
  const found = new Map([["file", filePath]]);
  const walk = (path: string, value: unknown) => {
    if (value === undefined || value === null) return;
    if (typeof value === "object" && !Array.isArray(value)) {
      for (const [name, part] of Object.entries(value)) walk(path === "" ? name : `${path}.${name}`, part);
    } else found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  };
  const { payloadSchema, ...rest } = declaration ?? ({} as Partial<TaskDeclaration>);
  walk("", Object.fromEntries(Object.entries(rest).filter(([name]) => !UNSAID.has(name))));
  if (payloadSchema !== undefined) found.set("payload schema", schemaName(payloadSchema));
  return found;
}

/** Short and different for different schemas: its properties, else a checksum. */
function schemaName(schema: unknown): string {
  const text = JSON.stringify(schema);
  let hash = 0;
  for (let at = 0; at < text.length; at++) hash = (hash * 31 + text.charCodeAt(at)) | 0;
  const properties = (schema as { properties?: object }).properties;
  const names = properties === undefined ? "" : `${Object.keys(properties).join(", ")} `;
  return `${names}#${(hash >>> 0).toString(16).slice(0, 6)}`;
}
