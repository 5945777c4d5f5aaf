/**
 * A value that listeners hear of at most once in `intervalMs`: the first change at once, what comes meanwhile as its last value
 * when the interval is over. `value` is what was announced, so that who reads between two announcements sees no other value.
 */
export class Coalesced<T> {
  readonly #listeners = new Set<() => void>();
  readonly #intervalMs: number;
  #announced: T;
  #latest: T;
  #announcedAt = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(value: T, intervalMs: number) {
    this.#announced = value;
    this.#latest = value;
    this.#intervalMs = intervalMs;
  }

  /** As announced. */
  get value(): T {
    return this.#announced;
  }

  /** With what is still to be announced. */
  get latest(): T {
    return this.#latest;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  listen(listener: () => void): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener);
  }

  set(value: T): void {
    this.#latest = value;
    if (this.#timer !== undefined) return;
    const restMs = this.#announcedAt + this.#intervalMs - performance.now();
    if (restMs <= 0) this.#announce();
    else this.#timer = setTimeout(() => this.#announce(), restMs);
  }

  #announce(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#announced = this.#latest;
    this.#announcedAt = performance.now();
    for (const listener of Array.from(this.#listeners)) listener();
  }
}
