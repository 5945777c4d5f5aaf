/** What realtime counts. Implemented by realtime-metrics.ts; NO_METRICS where nobody looks. */
export interface LiveMetrics {
  subscribed(kind: string, change: 1 | -1): void;
  /** Messages sent, and the runs in them. */
  sent(message: "snapshot" | "update", runs: number): void;
  /** A change was not sent at once: the client has not taken what came before. Its last value is sent later. */
  heldBack(): void;
  /** A client was told to look at the REST API, or given a new snapshot, as too much has changed. */
  overflowed(): void;
  /** A change of which no hint was heard, found by looking. */
  repaired(runs: number): void;
  queried(what: "runs" | "revisions" | "members", rows: number, ms: number): void;
}

const nothing = () => undefined;
export const NO_METRICS: LiveMetrics = {
  subscribed: nothing,
  sent: nothing,
  heldBack: nothing,
  overflowed: nothing,
  repaired: nothing,
  queried: nothing,
};
