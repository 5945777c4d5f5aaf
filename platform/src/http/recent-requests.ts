import type { Clock } from "../clock.ts";

const KEEP_MS = 15_000;
const KEEP_COUNT = 10_000;

/**
 * Answers of the last seconds by the client's id of the request, so that a client that lost an answer and asks again gets
 * the same one instead of a second run. Best effort, in this process (another replica does not know them): who needs it for
 * sure sends an idempotencyKey.
 *
 * Two generations: the older one is dropped whole, so that forgetting costs nothing.
 */
export class RecentRequests {
  readonly #clock: Clock;
  #young = new Map<string, Promise<unknown>>();
  #old = new Map<string, Promise<unknown>>();
  #turnedAtMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#turnedAtMs = clock.now();
  }

  /** The answer under `id`, from `work` or from when it was asked before. A failure is not kept. */
  once<T>(id: string, work: () => Promise<T>): Promise<T> {
    this.#turn();
    const known = (this.#young.get(id) ?? this.#old.get(id)) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const answer = work();
    this.#young.set(id, answer);
    answer.catch(() => this.#young.delete(id));
    return answer;
  }

  #turn(): void {
    const now = this.#clock.now();
    if (this.#young.size < KEEP_COUNT && now - this.#turnedAtMs < KEEP_MS) return;
    this.#old = this.#young;
    this.#young = new Map();
    this.#turnedAtMs = now;
  }
}
