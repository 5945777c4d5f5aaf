/** Which replica does what only one should. Two at once is harmless for a moment: every write is guarded by itself. */
export interface Leadership {
  /** Asked before each leader-only tick and write. */
  readonly isLeader: boolean;
  onChange(listener: (isLeader: boolean) => void): void;
  close(): Promise<void>;
}
