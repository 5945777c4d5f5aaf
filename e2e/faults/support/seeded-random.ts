import { onTestFailed } from "vitest";

/** Randomness that a failed test can be repeated with: it prints its seed, and GANTRY_TEST_SEED sets it. */
export class SeededRandom {
  readonly seed: number;
  #state: number;

  /** Call it inside a test. */
  static ofTest(): SeededRandom {
    const given = Number(process.env.GANTRY_TEST_SEED ?? Number.NaN);
    const random = new SeededRandom(Number.isInteger(given) ? given : Math.floor(Math.random() * 2 ** 31));
    onTestFailed(() => console.error(`repeat with GANTRY_TEST_SEED=${random.seed}`));
    return random;
  }

  constructor(seed: number) {
    this.seed = seed;
    this.#state = seed;
  }

  /** In [0, 1). Source: mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low);
  }

  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)] as T;
  }
}
