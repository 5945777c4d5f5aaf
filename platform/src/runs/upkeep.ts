/** What retention needs of the store: partitions ahead, partitions dropped, expired rows deleted. */
export interface Upkeep {
  ensurePartitions(): Promise<void>;
  /** Drops partitions whose every row is older; answers with their names. */
  dropPartitions(retention: { runDays: number; eventDays: number }): Promise<string[]>;
  deleteExpired(): Promise<void>;
}
