import { readErrorMember } from "../../contract/wire-error.ts";

const MAX_DEPTH = 32;
const MAX_REOPENED = 100;

/** Which journal entry an error came from, by the identity of the error. */
export class FailureTrace {
  readonly #entries = new WeakMap<object, number>();

  mark(entry: number, error: object): void {
    this.#entries.set(error, entry);
  }

  /** The entries behind what was thrown: its own, and those of its causes and of the errors an AggregateError holds. */
  entriesOf(thrown: unknown): number[] {
    const found = new Set<number>();
    this.#walk(thrown, 0, found, new Set());
    return [...found].slice(0, MAX_REOPENED);
  }

  #walk(error: unknown, depth: number, found: Set<number>, seen: Set<object>): void {
    if (typeof error !== "object" || error === null || depth > MAX_DEPTH || seen.has(error)) return;
    seen.add(error);
    const entry = this.#entries.get(error);
    if (entry !== undefined) found.add(entry);
    this.#walk(readErrorMember(error, "cause"), depth + 1, found, seen);
    const errors = readErrorMember(error, "errors");
    if (Array.isArray(errors)) for (const each of errors) this.#walk(each, depth + 1, found, seen);
  }
}
