import type { Clock } from "../clock.ts";

interface Entry<V> {
  value: Promise<V>;
  expiresAt: number;
}

/**
 * Remembers answers for a short time: a bounded map whose oldest entries go first. Callers that ask for the same key at once
 * share one question; a question that fails is forgotten.
 */
export class ExpiringCache<K, V> {
  readonly #entries = new Map<K, Entry<V>>();
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #maxEntries: number;

  constructor(options: { clock: Clock; ttlMs: number; maxEntries: number }) {
    this.#clock = options.clock;
    this.#ttlMs = options.ttlMs;
    this.#maxEntries = options.maxEntries;
  }

  get(key: K, ask: () => Promise<V>): Promise<V> {
    const now = this.#clock.now();
    const known = this.#entries.get(key);
    if (known && known.expiresAt > now) return known.value;
    const entry: Entry<V> = { value: ask(), expiresAt: now + this.#ttlMs };
    entry.value.catch(() => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    });
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > this.#maxEntries) this.#entries.delete(this.#entries.keys().next().value as K);
    return entry.value;
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }
}
