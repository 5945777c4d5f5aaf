/** How often something may be tried; each key counts on its own. */
export interface AttemptLimit {
  key: string;
  attempts: number;
  windowMs: number;
}

/** Counts tries over all replicas. */
export interface AttemptStore {
  /**
   * Counts one try for each key, before it is known how it ends, so that tries at the same time count too. Answers with the
   * milliseconds until the next is allowed where a limit is exceeded, else with 0.
   */
  take(limits: readonly AttemptLimit[]): Promise<number>;
  /** The try succeeded: these keys begin anew. */
  forget(keys: readonly string[]): Promise<void>;
}
