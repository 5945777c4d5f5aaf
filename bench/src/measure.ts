/** Calls `work` with `inFlight` at a time for `durationMs`, after a warm-up that is not counted. Shape: completions per second. */
export async function ratePerSecond(
  work: (number: number) => Promise<unknown>,
  { inFlight, durationMs, warmUpMs }: { inFlight: number; durationMs: number; warmUpMs: number },
): Promise<number> {
  let next = 0;
  let counted = 0;
  const countFrom = performance.now() + warmUpMs;
  const end = countFrom + durationMs;
  const lane = async () => {
    while (performance.now() < end) {
      await work(next++);
      const now = performance.now();
      if (now >= countFrom && now < end) counted++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return counted / (durationMs / 1000);
}

/** Counts down and remembers when it reached zero, so that a rate ends with the last job and not with a poll. */
export class Countdown {
  readonly done: Promise<void>;
  #left: number;
  #resolve: () => void = () => undefined;
  endedAt = 0;

  constructor(count: number) {
    this.#left = count;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  readonly tick = (): void => {
    if (--this.#left === 0) {
      this.endedAt = performance.now();
      this.#resolve();
    }
  };
}

export function median(values: number[]): number {
  return percentile(values, 50);
}

/** Nearest rank. */
export function percentile(values: number[], percent: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? Number.NaN;
}
