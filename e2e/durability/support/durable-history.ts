import type { Pool } from "pg";
import type { Effect, FaultProject } from "../../faults/support/fault-project.ts";
import { leftovers, runIdOf, uuidOf } from "../../faults/support/history.ts";
import { eventually } from "../../support/eventually.ts";

interface RunRow {
  id: string;
  status: string;
  parent_run_id: string | null;
  root_run_id: string | null;
  output: Buffer | null;
}

interface EntryRow {
  run_id: string;
  entry: number;
  kind: string;
  key: string;
  label: string;
  seq: number | null;
  ok: boolean | null;
  value: Buffer | null;
  child_run_id: string | null;
  due_at: Date | null;
  /** Milliseconds since the epoch, with fractions. */
  completed: number | null;
}
type Note = Effect & Record<string, unknown>;
type Wanted = ReadonlyMap<string, readonly string[]>;

/** What must hold of durable runs once all have ended, whatever was killed meanwhile. */
export class DurableHistory {
  readonly #pool: Pool;
  readonly #project: FaultProject;

  constructor(pool: Pool, project: FaultProject) {
    this.#pool = pool;
    this.#project = project;
  }

  /**
   * Every violation, empty once the last journal has been put away: each run ended once, as one of the ways it may; nothing
   * is left that admission or the wake loop looks at; a step whose end is recorded was never begun again, and what is
   * recorded is what one of its bodies made; no wait ended early; completions are numbered apart; a parent has each child
   * once and got that child's own result; a race has one winner in an attempt, however often it was replayed.
   */
  async violations(wanted: Wanted): Promise<string[]> {
    await eventually(
      "the clearing up after all runs",
      async () => ((await leftovers(this.#pool, CLEARED)).length === 0 ? true : undefined),
      30_000,
    ).catch(() => undefined);
    const { rows: runs } = await this.#pool.query<RunRow>("select * from run_history");
    const { rows: entries } = await this.#pool.query<EntryRow>(
      "select *, extract(epoch from completed_at)::float8 * 1000 as completed from journal_history",
    );
    const byRun = Map.groupBy(entries, ({ run_id }) => run_id);
    const found = [...(await leftovers(this.#pool, CLEARED)), ...endings(runs, wanted), ...strangers(runs, wanted)];
    for (const run of runs) {
      const notes = (await this.#project.effects(runIdOf(run.id))) as Note[];
      const own = byRun.get(run.id) ?? [];
      const problems = [
        ...steps(run, own, notes),
        ...own.flatMap(early),
        ...order(own),
        ...children(run, own, runs),
        ...races(notes),
      ];
      found.push(...problems.map((problem) => `${runIdOf(run.id)}: ${problem}`));
    }
    return found;
  }
}

const CLEARED = [
  "run",
  "slot",
  "ready",
  "execution",
  "failure_hook",
  "run_journal",
  "journal_entry",
  "settlement",
  "run_wake",
];

function endings(runs: RunRow[], wanted: Wanted): string[] {
  return [...wanted].flatMap(([runId, statuses]) => {
    const own = runs.filter(({ id }) => id === uuidOf(runId)).map(({ status }) => status);
    if (own.length !== 1) return [`${runId} has ended ${own.length} times`];
    return statuses.includes(own[0] as string) ? [] : [`${runId} is ${own[0]}, not ${statuses.join(" or ")}`];
  });
}

/** Runs that nobody wanted, nor a wanted run. */
function strangers(runs: RunRow[], wanted: Wanted): string[] {
  const roots = new Set([...wanted.keys()].map(uuidOf));
  return runs
    .filter((run) => !roots.has(run.id) && !roots.has(run.root_run_id ?? ""))
    .map(({ id }) => `${runIdOf(id)} was made by nobody`);
}

function steps(run: RunRow, entries: EntryRow[], notes: Note[]): string[] {
  const bodies = notes.filter(({ what }) => what === "step");
  return entries
    .filter(({ kind, ok }) => kind === "step" && ok !== null)
    .flatMap(({ label, ok, value, completed }) => {
      const own = bodies.filter(({ name }) => name === label);
      const again = own.filter(({ at }) => (at ?? 0) > (completed ?? 0));
      const recorded = value?.toString() ?? "";
      const isMade = !ok || own.some(({ nonce }) => recorded.includes(String(nonce)));
      return [
        ...again.map(
          (body) => `"${label}" was begun after its end was recorded at ${completed}: ${JSON.stringify(body)}`,
        ),
        ...(isMade ? [] : [`"${label}" is recorded as ${recorded}, which no body of it made in ${run.status}`]),
      ];
    });
}

function early({ kind, label, due_at, completed }: EntryRow): string[] {
  if (kind !== "time" || due_at === null || completed === null) return [];
  return completed < due_at.getTime() ? [`${label} ended ${due_at.getTime() - completed} ms early`] : [];
}

function order(entries: EntryRow[]): string[] {
  const seqs = entries.flatMap(({ seq }) => seq ?? []);
  return new Set(seqs).size === seqs.length ? [] : [`two completions have one number: ${seqs.join(", ")}`];
}

function children(run: RunRow, entries: EntryRow[], runs: RunRow[]): string[] {
  const awaited = entries.flatMap((entry) => (entry.child_run_id === null ? [] : [entry]));
  const own = runs.filter(({ parent_run_id }) => parent_run_id === run.id);
  const ids = awaited.map(({ child_run_id }) => child_run_id);
  const twice = ids.filter((id, n) => ids.indexOf(id) !== n).map((id) => `it waits twice for ${id}`);
  // A run that is canceled may have made a child that it never came to wait for.
  const more =
    run.status === "COMPLETED" && own.length !== ids.length
      ? [`it has ${own.length} children and waits for ${ids.length}`]
      : [];
  const others = awaited.flatMap(({ child_run_id, ok, value }) => {
    const child = own.find(({ id }) => id === child_run_id);
    if (child === undefined) return [`it waited for ${child_run_id}, which is no child of its own`];
    // Who has lost a race need not be waited for.
    if (ok === null) return [];
    if (ok !== (child.status === "COMPLETED"))
      return [`it was told ok: ${ok} of ${child_run_id}, which is ${child.status}`];
    return ok && value?.equals(child.output ?? Buffer.alloc(0)) === false
      ? [`it got another result than ${child_run_id}'s`]
      : [];
  });
  return [...twice, ...more, ...others];
}

function races(notes: Note[]): string[] {
  const won = Map.groupBy(
    notes.filter(({ what }) => what === "race"),
    ({ attempt, name }) => `${String(name)} in attempt ${attempt}`,
  );
  return [...won].flatMap(([race, winners]) => {
    const different = new Set(winners.map(({ winner }) => winner));
    return different.size > 1 ? [`${race} was won by ${[...different].join(" and ")}`] : [];
  });
}
