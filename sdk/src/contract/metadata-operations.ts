/**
 * How metadata operations change a metadata object: the same on the task's side (its local view) and the platform's.
 *
 * A key that begins with `$.` is a path: `$.user.scores[0]`; a backslash takes the special meaning from the next
 * character. Any other key names a top-level member as it is.
 */
import type { MetadataOperation } from "./worker-protocol.ts";

export type Metadata = Record<string, unknown>;

const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

const MAX_GAP = 1000;

/** A metadata key that cannot be used: an empty path, or one that would reach an object's prototype. */
export class MetadataKeyError extends Error {
  override readonly name = "MetadataKeyError";
  readonly code = "INVALID_METADATA_KEY";
}

/** Applies the operations in order, in place; returns the object, which `update` replaces. Error: MetadataKeyError. */
export function applyMetadataOperations(metadata: Metadata, operations: readonly MetadataOperation[]): Metadata {
  return operations.reduce(applyOne, metadata);
}

function applyOne(metadata: Metadata, operation: MetadataOperation): Metadata {
  if (operation.type === "update") return { ...operation.value };
  const path = parseMetadataKey(operation.key);
  switch (operation.type) {
    case "set":
      change(metadata, path, () => operation.value);
      break;
    case "delete":
      remove(metadata, path);
      break;
    case "append":
      change(metadata, path, (old) => (old === undefined ? [operation.value] : [...asArray(old), operation.value]));
      break;
    case "remove":
      change(metadata, path, (old) =>
        Array.isArray(old) ? old.filter((item) => !isSame(item, operation.value)) : old,
      );
      break;
    case "increment":
      change(metadata, path, (old) => (typeof old === "number" ? old : 0) + operation.value);
      break;
  }
  return metadata;
}

/** The members a key leads through; a plain key is one member. Error: MetadataKeyError. */
export function parseMetadataKey(key: string): string[] {
  const path = key.startsWith("$.") ? splitPath(key.slice(2)) : [key];
  if (path.length === 0) throw new MetadataKeyError(`The metadata key "${key}" names nothing.`);
  const forbidden = path.find((member) => FORBIDDEN.has(member));
  if (forbidden !== undefined) throw new MetadataKeyError(`A metadata key must not contain "${forbidden}".`);
  return path;
}

/** The value at a key; undefined where there is none. */
export function readMetadata(metadata: Metadata, key: string): unknown {
  return parseMetadataKey(key).reduce<unknown>(
    (value, member) => (isContainer(value) ? own(value, member) : undefined),
    metadata,
  );
}

function splitPath(text: string): string[] {
  const members = text.match(/(?:\\.|[^.[\]\\])+/gs) ?? [];
  return members.map((member) => member.replace(/\\(.)/gs, "$1"));
}

/** Replaces the value at a path; missing objects on the way are made, an undefined result deletes. */
function change(metadata: Metadata, path: string[], next: (old: unknown) => unknown): void {
  const last = path[path.length - 1] as string;
  let parent: Metadata = metadata;
  for (const member of path.slice(0, -1)) {
    const child = own(parent, member);
    // A scalar in the way gives way, as it would to a plain assignment of the whole member.
    if (!isContainer(child)) parent[member] = {};
    parent = (isContainer(child) ? child : parent[member]) as Metadata;
  }
  // One operation could otherwise make a list of a hundred million holes.
  if (Array.isArray(parent) && Number(last) > parent.length + MAX_GAP) {
    throw new MetadataKeyError(`The index ${last} is far beyond the end of its list.`);
  }
  const value = next(own(parent, last));
  if (value === undefined) delete parent[last];
  else parent[last] = value;
}

function remove(metadata: Metadata, path: string[]): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, member) => (isContainer(value) ? own(value, member) : undefined), metadata);
  if (isContainer(parent)) delete parent[path[path.length - 1] as string];
}

function own(value: Metadata, member: string): unknown {
  return Object.hasOwn(value, member) ? value[member] : undefined;
}

function isContainer(value: unknown): value is Metadata {
  return typeof value === "object" && value !== null;
}

function asArray(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** Equality of JSON values; the order of an object's members does not count. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], b[key]));
}
