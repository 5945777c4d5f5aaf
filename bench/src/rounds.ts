import type { Effort } from "./bench.ts";
import { median } from "./measure.ts";
import type { Figure } from "./row.ts";

/** One system in a row, and how to measure it once. */
export interface Contender {
  system: string;
  note?: string;
  measure(): Promise<number>;
}

/** Measures each in turn, round by round, so that a slow minute of the machine hits all alike. */
export async function inTurn(effort: Effort, contenders: Contender[], log: (text: string) => void): Promise<Figure[]> {
  const rounds = new Map(contenders.map((contender) => [contender, [] as number[]]));
  for (let round = 1; round <= effort.rounds; round++) {
    for (const contender of contenders) {
      const value = await contender.measure();
      rounds.get(contender)?.push(value);
      log(`  round ${round}: ${contender.system} ${Math.round(value)}`);
    }
  }
  return contenders.map(({ system, note }, index) => {
    const values = rounds.get(contenders[index] as Contender) ?? [];
    return { system, value: median(values), rounds: values, ...(note === undefined ? {} : { note }) };
  });
}

export function valueOf(figures: Figure[], system: string): number {
  return figures.find((figure) => figure.system === system)?.value ?? Number.NaN;
}

/** The better of the two peers that keep their jobs in Postgres too. */
export function bestPostgresPeer(figures: Figure[]): number {
  return Math.max(valueOf(figures, "pg-boss"), valueOf(figures, "graphile-worker"));
}

export const times = (value: number): string => `${value.toFixed(2)}×`;
