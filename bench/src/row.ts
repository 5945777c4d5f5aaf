import type { Bench } from "./bench.ts";

/** One system's figure in a row: the median of its rounds. */
export interface Figure {
  system: string;
  value: number;
  /** All rounds, in their order. */
  rounds?: number[];
  note?: string;
}

export interface RowResult {
  figures: Figure[];
  unit: string;
  /** Whether the goal was met; undefined where it could not be measured. */
  isMet: boolean | undefined;
  /** The goal's own figures, in words: "1.8× the best Postgres peer". */
  verdict: string;
  /** What a reader must know to trust the figures. */
  notes: string[];
}

/** One line of the table; one file in rows/. `Place` is where it measures: on this machine, or on a cluster. */
export interface Row<Place = Bench> {
  id: string;
  what: string;
  goal: string;
  measure(bench: Place): Promise<RowResult>;
}
