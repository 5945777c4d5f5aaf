/**
 * Says after each commit which runs may look different now. Hints: they may be lost, come twice or in any order; who needs the
 * truth reads the run (its `revision` grows with every visible change) and looks again from time to time.
 */
export interface RunChanges {
  /** False where nobody would hear: then nothing need be gathered to say. */
  isWatched(environmentId: number): boolean;
  /** `runIds` are public ids. Never rejects, never blocks. */
  touched(environmentId: number, runIds: readonly string[]): void;
  /** Makes every replica tell of this environment's runs. Returns what ends that; several watches of one environment count. */
  watch(environmentId: number): () => void;
  /** Hears of changes made on any replica, in environments that somebody watches. */
  onTouched(listener: (environmentId: number, runIds: readonly string[]) => void): void;
  /** Hints may have been lost: replicas did not hear of each other for a while. */
  onLost(listener: () => void): void;
}
