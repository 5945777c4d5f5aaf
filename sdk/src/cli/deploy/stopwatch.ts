/** Milliseconds of a deploy's parts; some of them overlap. */
export interface Timings {
  bundleMs: number;
  externalsMs: number;
  describeMs: number;
  layersMs: number;
  uploadMs: number;
  buildMs: number;
  /** Of `buildMs`, as the platform measured it. */
  platformMs: number;
  totalMs: number;
}

export class Stopwatch {
  readonly #startedAt = performance.now();
  readonly #parts: Partial<Timings> = {};

  async time<T>(part: keyof Timings, work: () => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    try {
      return await work();
    } finally {
      this.set(part, (this.#parts[part] ?? 0) + performance.now() - startedAt);
    }
  }

  set(part: keyof Timings, ms: number): void {
    this.#parts[part] = Math.round(ms);
  }

  of(part: keyof Timings): number {
    return this.#parts[part] ?? 0;
  }

  read(): Timings {
    const none = { bundleMs: 0, externalsMs: 0, describeMs: 0, layersMs: 0, uploadMs: 0, buildMs: 0, platformMs: 0 };
    return { ...none, ...this.#parts, totalMs: Math.round(performance.now() - this.#startedAt) };
  }
}
