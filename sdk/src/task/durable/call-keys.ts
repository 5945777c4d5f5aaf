import { ambiguousStep } from "./durable-errors.ts";

/**
 * What each call of a run is known by: the name a replay must find it under.
 *
 * The n-th call of equal name has the ordinal n; the first has none. Names of steps and of other calls never meet.
 */
export class CallKeys {
  readonly #counts = new Map<string, number>();
  readonly #openSteps = new Set<string>();

  /** Error: AMBIGUOUS_STEP while another of this name is open. */
  openStep(name: string): { key: string; close(): void } {
    if (this.#openSteps.has(name)) throw ambiguousStep(name);
    this.#openSteps.add(name);
    return { key: this.#next(name, `step:${name}`), close: () => void this.#openSteps.delete(name) };
  }

  next(kind: string, fingerprint: string): string {
    return this.#next(`${kind}:${fingerprint}`, `other:${kind}:${fingerprint}`);
  }

  #next(base: string, counter: string): string {
    const ordinal = (this.#counts.get(counter) ?? 0) + 1;
    this.#counts.set(counter, ordinal);
    return ordinal === 1 ? base : `${base}#${ordinal}`;
  }
}
