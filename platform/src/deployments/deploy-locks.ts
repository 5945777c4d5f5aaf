/** One deploy of an environment at a time, whichever replica has it. */
export interface DeployLocks {
  /**
   * Resolves when it is this deploy's turn; the order of those that wait is not promised. `onWait` is told whose deploy
   * goes on, and again when another has taken over. `who` is shown to others that wait; up to 40 characters.
   * Errors: STORE_UNAVAILABLE; rejects with the signal's reason where it is aborted.
   */
  acquire(environmentId: number, who: string, onWait: (who: string) => void, signal: AbortSignal): Promise<DeployLock>;
}

export interface DeployLock {
  /** Aborted when the lock may have gone to another: the deploy must stop. A platform that dies holds none. */
  lost: AbortSignal;
  release(): Promise<void>;
}
