import { currentRegion, currentScope, type Region } from "@gantry/sdk/task";

/** The part of a run's `durable` that is asked here. */
interface Durable {
  clock(kind: "epoch" | "monotonic", real: () => number): number;
  readonly open: { steps: number; entries: number };
}

/** What surrounds the code that runs now: whether an attempt is watched, whose code it is, what its run has open. */
export class Surroundings {
  isActive = false;
  isStrict = false;
  /** Grows with everything that user code does: a quiet process leaves it as it is. */
  activity = 0;
  #durable: Durable | undefined;

  begin(isStrict: boolean): void {
    this.isActive = true;
    this.isStrict = isStrict;
    this.#durable = undefined;
  }

  end(): void {
    this.isActive = false;
    this.#durable = undefined;
  }

  /** Of the region's code: does what happens now happen outside of steps, so that a replay would repeat it? */
  isOutside(region: Region | undefined): boolean {
    if (region === undefined) return true;
    switch (region.kind) {
      case "function":
        return true;
      case "step":
        // A connection that one step opened serves the next one in the first one's context.
        return !region.isOpen && this.openSteps === 0;
      default:
        return false;
    }
  }

  get openSteps(): number {
    return this.#durable?.open.steps ?? 0;
  }

  get openEntries(): number {
    return this.#durable?.open.entries ?? 0;
  }

  /** The attempt's durable run, known from the first code of the function on: background work has no scope to ask. */
  learn(): Durable | undefined {
    this.#durable ??= currentScope()?.durable as Durable | undefined;
    return this.#durable;
  }

  /** The region of the running code, learning of the run in passing. */
  region(): Region | undefined {
    const region = currentRegion();
    if (region !== undefined && this.#durable === undefined && region.kind !== "runner") this.learn();
    return region;
  }
}
