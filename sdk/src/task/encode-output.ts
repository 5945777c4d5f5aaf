/**
 * A task's output as text. What superjson would lose without a word is an error that names where it is.
 *
 * superjson keeps JSON, Date, Map, Set, BigInt, RegExp, URL, Error, typed arrays, undefined, NaN and cycles. Of an
 * instance of the user's own class it would turn nested Dates and Maps into text, and of a Buffer it makes what it cannot
 * read back: these two are rewritten first, into a plain object of the same members and a Uint8Array. An object with a
 * `toJSON` has said itself how it wants to travel.
 */
import { type EncodedValue, encodeValue } from "../client/packet.ts";
import { DEFAULT_LIMITS } from "../contract/limits.ts";
import { TaskExecutionError } from "./errors.ts";

/** Errors: NOT_SERIALIZABLE with the path, OUTPUT_TOO_LARGE. */
export function encodeOutput(output: unknown): EncodedValue {
  const encoded = encodeChecked(output, "output", "The output");
  const limit = DEFAULT_LIMITS.outputBytes;
  const { data } = encoded;
  if (data !== undefined && data.length * 3 > limit && Buffer.byteLength(data) > limit) {
    throw new TaskExecutionError(
      "OUTPUT_TOO_LARGE",
      `The output is ${Buffer.byteLength(data)} bytes; the limit (outputBytes) is ${limit}. Store it elsewhere and return where it is.`,
    );
  }
  return encoded;
}

/** `root` begins the path in an error, `what` names the value. Errors: NOT_SERIALIZABLE with the path. */
export function encodeChecked(value: unknown, root: string, what: string): EncodedValue {
  try {
    const scan = new Scan();
    scan.visit(value, root);
    return encodeValue(scan.needsRewrite ? rewrite(value, new Map()) : value);
  } catch (error) {
    if (error instanceof TaskExecutionError) throw error;
    const reason = error instanceof RangeError ? "it is nested too deeply" : messageOf(error);
    throw new TaskExecutionError("NOT_SERIALIZABLE", `${what} cannot be stored: ${reason}.`, error);
  }
}

/** Walks a value once; throws NOT_SERIALIZABLE at the first thing that would be lost. */
class Scan {
  needsRewrite = false;
  readonly #seen = new Set<object>();

  visit(value: unknown, path: string): void {
    if (typeof value === "function") throw lost(path, value.name === "" ? "a function" : `the function ${value.name}`);
    if (typeof value === "symbol") throw lost(path, String(value));
    if (typeof value !== "object" || value === null || this.#seen.has(value)) return;
    this.#seen.add(value);
    this.#visitObject(value, path);
  }

  #visitObject(value: object, path: string): void {
    if (Array.isArray(value)) return value.forEach((item, index) => this.visit(item, `${path}[${index}]`));
    if (value instanceof Map) return this.#visitMap(value, path);
    if (value instanceof Set) return [...value].forEach((item, index) => this.visit(item, `${path}{${index}}`));
    if (value instanceof Date) return checkDate(value, path);
    if (value instanceof RegExp || value instanceof URL || value instanceof Error) return;
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return this.#visitBytes(value, path);
    if (hasToJson(value)) return;
    if (!isPlain(value)) this.#visitInstance(value, path);
    for (const key of Object.keys(value)) this.visit(readMember(value, key, path), memberPath(path, key));
  }

  #visitMap(map: Map<unknown, unknown>, path: string): void {
    for (const [key, value] of map) {
      this.visit(key, `${path}<key>`);
      this.visit(value, `${path}<${typeof key === "string" ? JSON.stringify(key) : String(typeof key)}>`);
    }
  }

  #visitBytes(value: ArrayBufferView | ArrayBuffer, path: string): void {
    if (value instanceof Uint8Array && value.constructor !== Uint8Array) {
      this.needsRewrite = true;
      return;
    }
    const { name } = value.constructor;
    if (!KEPT_ARRAYS.has(name)) throw lost(path, `a ${name} (use a Uint8Array)`);
    const isFloat = value instanceof Float32Array || value instanceof Float64Array;
    if (isFloat && !value.every(Number.isFinite)) throw lost(path, `a ${name} with NaN or Infinity in it`);
  }

  #visitInstance(value: object, path: string): void {
    const name = value.constructor?.name || "object";
    if (value instanceof Promise) throw lost(path, "a Promise (is an await missing?)");
    if (Object.keys(value).length === 0) throw lost(path, `a ${name} without members of its own`);
    this.needsRewrite = true;
  }
}

/** What superjson both writes and reads back. */
const KEPT_ARRAYS = new Set([
  "Int8Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "Int16Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
]);

/** A copy with Buffers and class instances replaced; shared references and cycles stay what they are. */
function rewrite(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  const known = copies.get(value);
  if (known !== undefined) return known;
  if (value instanceof Uint8Array) return remember(copies, value, isPlainBytes(value) ? value : new Uint8Array(value));
  if (Array.isArray(value)) {
    const copy: unknown[] = remember(copies, value, []);
    copy.push(...Array.from(value, (item) => rewrite(item, copies)));
    return copy;
  }
  if (value instanceof Map) {
    const copy = remember(copies, value, new Map<unknown, unknown>());
    for (const [key, item] of value) copy.set(rewrite(key, copies), rewrite(item, copies));
    return copy;
  }
  if (value instanceof Set) {
    const copy = remember(copies, value, new Set<unknown>());
    for (const item of value) copy.add(rewrite(item, copies));
    return copy;
  }
  return isAtom(value) ? value : rewriteMembers(value, copies);
}

function rewriteMembers(value: object, copies: Map<object, unknown>): object {
  const copy: Record<string, unknown> = remember(copies, value, {});
  for (const [key, member] of Object.entries(value)) copy[key] = rewrite(member, copies);
  return copy;
}

function remember<T>(copies: Map<object, unknown>, value: object, copy: T): T {
  copies.set(value, copy);
  return copy;
}

function isAtom(value: object): boolean {
  const isKept = value instanceof Date || value instanceof RegExp || value instanceof URL || value instanceof Error;
  return isKept || ArrayBuffer.isView(value) || hasToJson(value);
}

function isPlainBytes(value: Uint8Array): boolean {
  return value.constructor === Uint8Array;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function hasToJson(value: object): boolean {
  return typeof (value as { toJSON?: unknown }).toJSON === "function";
}

function checkDate(date: Date, path: string): void {
  if (Number.isNaN(date.getTime())) throw lost(path, "an invalid Date");
}

function readMember(value: object, key: string, path: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch (error) {
    throw lost(memberPath(path, key), `a getter that throws (${messageOf(error)})`);
  }
}

function memberPath(path: string, key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function lost(path: string, what: string): TaskExecutionError {
  return new TaskExecutionError("NOT_SERIALIZABLE", `${path} is ${what}, which cannot be stored.`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
