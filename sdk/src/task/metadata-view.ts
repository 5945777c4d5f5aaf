/**
 * A run's metadata as its own code sees it: changed at once here, while the host sends the same operations on.
 *
 * Values are taken as JSON when they are given, so that a later change to the caller's object changes nothing, and the
 * value read back is the one the platform stores.
 */
import { DEFAULT_LIMITS } from "../contract/limits.ts";
import { applyMetadataOperations, type Metadata, readMetadata } from "../contract/metadata-operations.ts";
import type { MetadataOperation } from "../contract/worker-protocol.ts";
import { TaskExecutionError } from "./errors.ts";

export type MetadataTarget = "self" | "parent" | "root";

export class MetadataView {
  #metadata: Metadata;
  /** Characters of JSON at the last exact count, and what was added since at most. */
  #countedSize: number;
  #addedSize = 0;
  readonly #send: (target: MetadataTarget, operation: MetadataOperation) => void;
  readonly #isRoot: boolean;
  /** Changes that are repeated are in the initial value already. */
  readonly #isRepeated: () => boolean;

  constructor(
    initial: string | undefined,
    isRoot: boolean,
    send: (target: MetadataTarget, operation: MetadataOperation) => void,
    isRepeated: () => boolean = () => false,
  ) {
    this.#metadata = parseMetadata(initial);
    this.#countedSize = initial?.length ?? 2;
    this.#isRoot = isRoot;
    this.#send = send;
    this.#isRepeated = isRepeated;
  }

  /** A copy: changing it changes nothing. */
  current(): Metadata {
    return structuredClone(this.#metadata);
  }

  get(key: string): unknown {
    return structuredClone(readMetadata(this.#metadata, key));
  }

  /**
   * Errors: NOT_SERIALIZABLE for a value without JSON, METADATA_TOO_LARGE (nothing is changed), MetadataKeyError.
   *
   * A root run has no parent and is its own root: what is meant for them is meant for itself.
   */
  apply(target: MetadataTarget, given: MetadataOperation): void {
    const [operation, size] = asJson(given);
    if (this.#isRepeated()) return;
    if (target === "self" || this.#isRoot) {
      this.#change(operation, size);
      this.#send("self", operation);
    } else {
      this.#send(target, operation);
    }
  }

  #change(operation: MetadataOperation, size: number): void {
    const before = this.#isNearLimit(size) ? structuredClone(this.#metadata) : undefined;
    // The operation's value must not be shared: it is also on its way to the host.
    this.#metadata = applyMetadataOperations(this.#metadata, [structuredClone(operation)]);
    if (before) this.#count(before);
    else this.#addedSize += size;
  }

  /** An exact count costs the whole object, so it is made only when the sum of the additions may pass the limit. */
  #isNearLimit(size: number): boolean {
    return (this.#countedSize + this.#addedSize + size) * MAX_BYTES_PER_CHARACTER > DEFAULT_LIMITS.metadataBytes;
  }

  #count(before: Metadata): void {
    const text = JSON.stringify(this.#metadata);
    const bytes = Buffer.byteLength(text);
    if (bytes > DEFAULT_LIMITS.metadataBytes) {
      this.#metadata = before;
      throw new TaskExecutionError(
        "METADATA_TOO_LARGE",
        `The run's metadata would be ${bytes} bytes; the limit (metadataBytes) is ${DEFAULT_LIMITS.metadataBytes}.`,
      );
    }
    this.#countedSize = text.length;
    this.#addedSize = 0;
  }
}

const MAX_BYTES_PER_CHARACTER = 3;
/** Quotes, a colon, a comma, brackets. */
const MEMBER_OVERHEAD = 8;

/** The operation with its value as JSON has it, and how many characters it adds at most. */
function asJson(operation: MetadataOperation): [MetadataOperation, number] {
  if (!("value" in operation)) return [operation, 0];
  const key = "key" in operation ? operation.key : "";
  const text = jsonText(operation.value, key);
  // As in an object's JSON, an undefined member is no member.
  if (text === undefined)
    return [operation.type === "set" ? { type: "delete", key } : { ...operation, value: null as never }, 8];
  return [{ ...operation, value: JSON.parse(text) }, text.length + key.length + MEMBER_OVERHEAD];
}

function jsonText(value: unknown, key: string): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new TaskExecutionError("NOT_SERIALIZABLE", `The metadata value of "${key}" has no JSON: ${reason}`, cause);
  }
}

function parseMetadata(text: string | undefined): Metadata {
  if (text === undefined || text === "") return {};
  const value: unknown = JSON.parse(text);
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Metadata) : {};
}
