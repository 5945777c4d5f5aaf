import type { Pool } from "pg";
import type { Effect, FaultProject } from "./fault-project.ts";

interface HistoryRow {
  id: string;
  status: string;
  attempt: number;
  platform_losses: number;
  attempts: { number: number; outcome: string; error?: { code?: string } }[];
}

/** What the database and the tasks themselves remember of the runs of a test. */
export class History {
  readonly #pool: Pool;
  readonly #project: FaultProject;

  constructor(pool: Pool, project: FaultProject) {
    this.#pool = pool;
    this.#project = project;
  }

  async rowOf(runId: string): Promise<HistoryRow> {
    const { rows } = await this.#pool.query<HistoryRow>("select * from run_history where id = $1", [uuidOf(runId)]);
    if (rows.length !== 1 || rows[0] === undefined) throw new Error(`${runId} has ended ${rows.length} times`);
    return rows[0];
  }

  /**
   * Every violation of what must hold once all runs have ended, whatever was killed meanwhile: each run ended once and as
   * it should, and nothing else ran; nothing that admission counts is left; a function's body was begun at most once for
   * each attempt and execution, and no more often than the run's attempts say; what completed has reached its end.
   */
  async violations(wanted: ReadonlyMap<string, string>): Promise<string[]> {
    const { rows } = await this.#pool.query<HistoryRow>("select * from run_history");
    const found = [...(await leftovers(this.#pool)), ...unexpected(rows, wanted)];
    for (const [runId, status] of wanted) {
      const own = rows.filter((row) => row.id === uuidOf(runId));
      const effects = await this.#project.effects(runId);
      const problems = [...endings(own, status), ...own.flatMap((row) => executions(row, effects))];
      found.push(...problems.map((problem) => `${runId}: ${problem} ${JSON.stringify({ own, effects })}`));
    }
    return found;
  }
}

/** Rows in tables that are empty once all runs have ended. */
export async function leftovers(
  pool: Pool,
  tables = ["run", "slot", "ready", "execution", "failure_hook"],
): Promise<string[]> {
  const counts = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await pool.query<{ n: number }>(`select count(*)::int as n from ${table}`);
      return { table, n: rows[0]?.n ?? 0 };
    }),
  );
  return counts.filter(({ n }) => n > 0).map(({ table, n }) => `${n} rows are left in ${table}`);
}

function unexpected(rows: HistoryRow[], wanted: ReadonlyMap<string, string>): string[] {
  const ids = new Set([...wanted.keys()].map(uuidOf));
  return rows.filter((row) => !ids.has(row.id)).map((row) => `a run that nobody wanted: ${JSON.stringify(row)}`);
}

function endings(rows: HistoryRow[], status: string): string[] {
  if (rows.length !== 1) return [`it has ended ${rows.length} times`];
  return rows[0]?.status === status ? [] : [`it is ${rows[0]?.status}, not ${status}`];
}

function executions(row: HistoryRow, effects: Effect[]): string[] {
  const begun = effects.filter(({ what }) => what === "begin");
  const keys = begun.map(({ attempt, execution }) => `${attempt}/${execution}`);
  const twice = keys.filter((key, index) => keys.indexOf(key) !== index).map((key) => `begun twice in ${key}`);
  const more = [...new Set(begun.map(({ attempt }) => attempt))]
    .filter((n) => count(begun, (one) => one.attempt === n) > count(row.attempts, (one) => one.number === n))
    .map((n) => `attempt ${n} was begun more often than its records say`);
  const hasEnd = row.status !== "COMPLETED" || effects.some(({ what }) => what === "end");
  return [...twice, ...more, ...(hasEnd ? [] : ["it completed without reaching its end"])];
}

function count<T>(values: T[], fits: (value: T) => boolean): number {
  return values.filter(fits).length;
}

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** Ids are UUIDs in Crockford's base 32. */
export function uuidOf(runId: string): string {
  let bits = 0n;
  for (const character of runId.slice(4)) bits = (bits << 5n) | BigInt(ALPHABET.indexOf(character));
  return bits
    .toString(16)
    .padStart(32, "0")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export function runIdOf(uuid: string): string {
  let bits = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let text = "";
  for (let n = 0; n < 26; n++, bits >>= 5n) text = ALPHABET[Number(bits & 31n)] + text;
  return `run_${text}`;
}
