/**
 * Says after each commit which runs may look different now. Hints: they may be lost, come twice or in any order; who needs the
 * truth reads the run (its `revision` grows with every visible change) and looks again from time to time.
 */
export interface RunChanges {
  /** `runIds` are public ids. Never rejects, never blocks. */
  touched(environmentId: number, runIds: readonly string[]): void;
  /** Hears of changes made on any replica, in environments that somebody watches. */
  onTouched(listener: (environmentId: number, runIds: readonly string[]) => void): void;
}
