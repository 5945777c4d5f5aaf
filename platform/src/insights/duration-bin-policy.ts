/**
 * Durations are counted in bins, four to each doubling: bin n holds what took up to 2^(n/4) ms, bin 0 up to 1 ms. A share read
 * from them is at most a fifth too high or too low. The statement that counts runs (insight-counts.ts) has the same formula.
 */
export const BINS_PER_DOUBLING = 4;
/** Some 50 days; longer ones are counted with these. */
export const LAST_BIN = 128;
/** Of runs that never started. */
export const NOT_STARTED = -1;

export function durationBin(ms: number): number {
  return Math.min(LAST_BIN, Math.max(0, Math.ceil(BINS_PER_DOUBLING * Math.log2(Math.max(1, ms)))));
}

/** How long the given share (0.5, 0.95) of the runs took at most; milliseconds, null where none was started. */
export function durationQuantile(bins: ReadonlyMap<number, number>, share: number): number | null {
  const counted = [...bins].filter(([bin, runs]) => bin !== NOT_STARTED && runs > 0).sort(([a], [b]) => a - b);
  const total = counted.reduce((sum, [, runs]) => sum + runs, 0);
  if (total === 0) return null;
  let before = 0;
  for (const [bin, runs] of counted) {
    const within = (share * total - before) / runs;
    if (within <= 1) return Math.round(between(bin, Math.max(0, within)));
    before += runs;
  }
  return Math.round(between(counted.at(-1)?.[0] ?? 0, 1));
}

/** A bin's runs are taken to lie evenly between its ends. */
function between(bin: number, share: number): number {
  const upper = 2 ** (bin / BINS_PER_DOUBLING);
  const lower = bin === 0 ? 0 : 2 ** ((bin - 1) / BINS_PER_DOUBLING);
  return lower + (upper - lower) * share;
}
