import type pg from "pg";
import type { JournalOwner, ParkReply, ParkRequest } from "../../journal/journal-store.ts";
import type { LaneAnnouncement } from "../../runs/run-store.ts";
import { type Finished, finishRuns } from "./finish-runs.ts";
import { lockHeld } from "./held-executions.ts";
import { completionsAfter } from "./journal-rows.ts";
import { storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

export type Parked = ParkReply & { announcement: LaneAnnouncement | undefined; runId: string | undefined };

/**
 * A run that only waits leaves its slot. Its journal is locked: either what completes an entry comes first, and the run goes
 * on, or it finds a run that waits, and wakes it. The execution is locked before, so that no append of its own is under way.
 */
export async function park(
  pool: pg.Pool,
  owner: JournalOwner,
  request: ParkRequest,
  maxHeld: number,
  leaseTtlMs: number,
): Promise<{ reply: Parked; ended: Finished[] } | "fenced"> {
  const parked = await inTransaction(pool, async (client) =>
    (await lockHeld(client, owner.environmentId, owner))
      ? parkLocked(client, owner, request, maxHeld, leaseTtlMs)
      : "fenced",
  );
  if (parked === "fenced") return parked;
  const { canceledRunId, ...reply } = parked;
  if (canceledRunId === undefined) return { reply, ended: [] };
  // Asked for meanwhile, and no worker is left that could be told.
  const { environmentId } = owner;
  const ended = await finishRuns(pool, [
    { environmentId, runId: canceledRunId, execution: undefined, status: "CANCELED" },
  ]);
  return { reply, ended };
}

interface Locked {
  run_id: string;
  state: "STARTING" | "RUNNING" | "PARKED";
  seq: number;
}

async function parkLocked(
  client: pg.PoolClient,
  owner: JournalOwner,
  request: ParkRequest,
  maxHeld: number,
  leaseTtlMs: number,
): Promise<(Parked & { canceledRunId?: string | undefined }) | "fenced"> {
  const { rows } = await client.query<Locked>({
    name: "park-lock",
    text: `select x.run_id, x.state::text, j.seq from execution x join run_journal j on j.run_id = x.run_id
           where x.id = $1 for update of j`,
    values: [owner.executionId],
  });
  const locked = rows[0];
  const isNews = locked !== undefined && locked.seq > request.known;
  // Without a journal it waits for nothing that could wake it.
  if (locked === undefined || isNews) {
    const completions = locked === undefined ? [] : await completionsAfter(client, locked.run_id, request.known);
    const state = locked?.state === "PARKED" ? "PARKED" : "RUNNING";
    return { state, completions, isPressed: false, announcement: undefined, runId: undefined };
  }
  const kept = await leave(client, owner, request, maxHeld, leaseTtlMs);
  if (kept === undefined) return "fenced";
  const isGone = request.mode === "replay" && kept.moved;
  return {
    state: isGone ? "SUSPENDED" : "PARKED",
    completions: [],
    isPressed: kept.is_pressed,
    runId: kept.moved ? locked.run_id : undefined,
    announcement:
      kept.lane_id === null
        ? undefined
        : { environmentId: owner.environmentId, laneId: kept.lane_id, orderAt: undefined },
    canceledRunId: isGone && kept.is_canceled ? locked.run_id : undefined,
  };
}

interface Left {
  moved: boolean;
  lane_id: string | null;
  is_pressed: boolean;
  is_canceled: boolean;
}

/** A run that was woken meanwhile, and is queued for its held worker, stays as it is. */
const LEAVE = (mode: ParkRequest["mode"]) => `
  with mine as materialized (
    select x.id, x.run_id, x.environment_id, r.status, r.cancel_requested_at
    from execution x join run r on r.environment_id = x.environment_id and r.id = x.run_id and r.execution_id = x.id
    where x.id = $1
  ), moving as materialized (
    select * from mine where status in ('EXECUTING', 'WAITING')
  ), left_worker as (
    ${
      mode === "hold"
        ? `update execution x set state = 'PARKED', park = $2, lease_expires_at = now() + $5 * interval '1 ms'
           from moving m where x.id = m.id`
        : "delete from execution x using moving m where x.id = m.id and $5::float8 is not null"
    }
  ), freed as (
    delete from slot s using moving m where s.run_id = m.run_id and s.execution_id = m.id returning s.lane_id
  ), waiting as (
    update run r set status = 'WAITING', updated_at = now(), revision = r.revision + 1
      ${
        mode === "hold"
          ? ""
          : ", execution_id = null, attempt_started_at = null, compute_ms = r.compute_ms + coalesce(($2::jsonb ->> 'computeMs')::bigint, 0)"
      }
    from moving m where r.environment_id = m.environment_id and r.id = m.run_id
  ), noted as (
    update run_journal j set waits_after = j.seq, park = jsonb_build_object('mode', $2::jsonb -> 'mode', 'reason', $2::jsonb -> 'reason')
    from moving m where j.run_id = m.run_id
  )
  select exists (select 1 from moving) as moved, (select f.lane_id from freed f) as lane_id,
    m.cancel_requested_at is not null as is_canceled,
    (select count(*) from (select 1 from execution x where x.environment_id = $3 and x.state = 'PARKED' limit $4::int) k)
      + ${mode === "hold" ? 1 : 0} >= $4::int / 2.0 as is_pressed
  from mine m`;
const STATEMENTS = { hold: LEAVE("hold"), replay: LEAVE("replay") };

async function leave(
  client: pg.PoolClient,
  owner: JournalOwner,
  request: ParkRequest,
  maxHeld: number,
  leaseTtlMs: number,
): Promise<Left | undefined> {
  const { mode, reason, ifLost } = request;
  const because = ifLost.because === undefined ? undefined : storableText(ifLost.because);
  const computeMs = Math.round(request.computeMs);
  const { rows } = await client.query<Left>({
    name: `park-${mode}`,
    text: STATEMENTS[mode],
    values: [
      owner.executionId,
      JSON.stringify({ mode, reason, computeMs, ifLost: { ...ifLost, because } }),
      owner.environmentId,
      Math.max(1, maxHeld),
      leaseTtlMs,
    ],
  });
  return rows[0];
}
