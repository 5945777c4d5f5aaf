import type { WireError } from "@gantry/sdk/contract";
import type pg from "pg";
import type { Packet } from "../../runs/run.ts";

/**
 * Completes open entries of journals, for whatever completes them: a token, a time that came, a run that ended.
 *
 * Locks are taken in one order by everybody who writes here: first what is waited for (the `waitpoint` or the child's `run`
 * row), then `run_journal` rows by run id, then entries. So an append that opens a wait for a token locks the token's row
 * (`for share`) before its own journal's: either it commits first, and the token's completion, which looks for entries only
 * after it has the row, finds it; or it finds the token complete.
 *
 * `seq` is given out under the lock of the run's `run_journal` row, which is held to the commit: a smaller `seq` is never
 * seen later than a larger one. The entries are read by a second statement, whose snapshot is younger than the locks.
 */
export interface EntryOutcome {
  runId: string;
  entry: number;
  ok: boolean;
  /** Outcomes that share one object send its bytes once. */
  value?: Packet | undefined;
  error?: WireError | undefined;
}

export interface CompletedEntry {
  environmentId: number;
  runId: string;
  entry: number;
  seq: number;
}

/** In the one order in which everybody locks several. Those of runs that have none, or have ended, are passed over. */
export async function lockJournals(client: pg.PoolClient, runIds: string[]): Promise<void> {
  await client.query({
    name: "lock-journals",
    text: "select 1 from run_journal where run_id = any ($1::uuid[]) order by run_id for update",
    values: [runIds],
  });
}

/**
 * Completes those of the entries that are still open, and notes a wake for each run concerned. The caller's transaction
 * commits it, and then wakes the loop. Of one run, entries complete in the order of the input.
 */
export async function completeEntries(client: pg.PoolClient, outcomes: EntryOutcome[]): Promise<CompletedEntry[]> {
  if (outcomes.length === 0) return [];
  const runIds = outcomes.map(({ runId }) => runId);
  await lockJournals(client, [...new Set(runIds)]);
  const packets = [...new Set(outcomes.flatMap(({ value }) => value ?? []))];
  const places = new Map(packets.map((packet, index) => [packet, index + 1]));
  const { rows } = await client.query<{ environment_id: number; run_id: string; entry: number; seq: number }>({
    name: "complete-entries",
    text: `
      with given as (
        select * from unnest($1::uuid[], $2::int[], $3::bool[], $4::int[], $5::jsonb[])
          with ordinality as g (run_id, entry, ok, place, error, n)
      ), packet as (
        select * from unnest($6::bytea[], $7::text[]) with ordinality as p (value, value_type, place)
      ), fresh as (
        select g.run_id, g.entry, g.ok, g.error, p.value, p.value_type,
          j.seq + row_number() over (partition by g.run_id order by g.n) as seq
        from given g
        join run_journal j on j.run_id = g.run_id
        join journal_entry e on e.run_id = g.run_id and e.entry = g.entry and e.completed_at is null
        left join packet p on p.place = g.place
      ), done as (
        update journal_entry e
        set seq = f.seq, completed_at = clock_timestamp(), ok = f.ok, value = f.value, value_type = f.value_type, error = f.error
        from fresh f where e.run_id = f.run_id and e.entry = f.entry
        returning e.environment_id, e.run_id, e.entry, e.seq, coalesce(length(e.value), 0) as bytes
      ), counted as (
        update run_journal j set seq = d.seq, bytes = j.bytes + d.bytes
        from (select run_id, max(seq) as seq, sum(bytes) as bytes from done group by run_id) d
        where j.run_id = d.run_id
      ), woken as (
        insert into run_wake (environment_id, run_id) select distinct environment_id, run_id from done
      )
      select environment_id, run_id, entry, seq from done order by run_id, seq`,
    values: [
      runIds,
      outcomes.map(({ entry }) => entry),
      outcomes.map(({ ok }) => ok),
      outcomes.map(({ value }) => (value === undefined ? null : places.get(value))),
      outcomes.map(({ error }) => (error === undefined ? null : JSON.stringify(error))),
      packets.map(({ data }) => data),
      packets.map(({ type }) => type),
    ],
  });
  return rows.map((row) => ({ environmentId: row.environment_id, runId: row.run_id, entry: row.entry, seq: row.seq }));
}

/** Every open entry that waits for these tokens; their rows must be locked, by an earlier statement, before this is asked. */
export async function entriesOfTokens(
  client: pg.PoolClient,
  tokenIds: string[],
): Promise<{ runId: string; entry: number; tokenId: string }[]> {
  const { rows } = await client.query<{ run_id: string; entry: number; token_id: string }>({
    name: "entries-of-tokens",
    text: `select run_id, entry, token_id from journal_entry
           where token_id = any ($1::uuid[]) and completed_at is null order by run_id, entry`,
    values: [tokenIds],
  });
  return rows.map((row) => ({ runId: row.run_id, entry: row.entry, tokenId: row.token_id }));
}
