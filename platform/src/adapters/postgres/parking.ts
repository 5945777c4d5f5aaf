import type pg from "pg";
import type { JournalOwner, ParkReply, ParkRequest } from "../../journal/journal-store.ts";
import type { LaneAnnouncement } from "../../runs/run-store.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import { releaseStaged, whyNotStored } from "./checkpoint-parking.ts";
import { sealMemo } from "./checkpoint-rows.ts";
import { type Finished, finishRuns } from "./finish-runs.ts";
import { IS_UNTOLD, lockHeld, tellToGoOn } from "./held-executions.ts";
import { completionsAfter } from "./journal-rows.ts";
import { jsonSafe, storableText } from "./storable-text.ts";
import { inTransaction } from "./transaction.ts";

export type Parked = ParkReply & { announcement: LaneAnnouncement | undefined; runId: string | undefined };

export interface ParkLimits {
  maxHeld: number;
  /** Stored processes of the environment together. */
  maxCheckpointBytes: number;
  leaseTtlMs: number;
}

/** How a process that was stored is kept with its run: what a runner says to the next is sealed. */
type Request = ParkRequest & { memo?: Buffer | undefined };

/**
 * A run that only waits leaves its slot. Its journal is locked: either what completes an entry comes first, and the run goes
 * on, or it finds a run that waits, and wakes it. The execution is locked before, so that no append of its own is under way;
 * the checkpoint of a process that was stored, after.
 */
export async function park(
  pool: pg.Pool,
  owner: JournalOwner,
  asked: ParkRequest,
  limits: ParkLimits,
  secrets: SecretBox | undefined,
): Promise<{ reply: Parked; ended: Finished[] } | "fenced"> {
  const request = withMemo(asked, secrets);
  const parked = await inTransaction(pool, async (client) =>
    (await lockHeld(client, owner.environmentId, owner)) ? parkLocked(client, owner, request, limits) : "fenced",
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

/** Errors: mode `process` without its checkpoint, or on a store that was given no secrets: a caller's mistake. */
function withMemo(request: ParkRequest, secrets: SecretBox | undefined): Request {
  if (request.mode !== "process") return request;
  const { checkpoint } = request;
  if (checkpoint === undefined || secrets === undefined) throw new Error("A process is parked without its checkpoint.");
  return { ...request, memo: sealMemo(secrets, checkpoint.checkpointId, checkpoint.memo) };
}

interface Locked {
  run_id: string;
  state: "STARTING" | "RUNNING" | "PARKED";
  is_untold: boolean;
  seq: number;
}

type Outcome = Parked & { canceledRunId?: string | undefined };

async function parkLocked(
  client: pg.PoolClient,
  owner: JournalOwner,
  request: Request,
  limits: ParkLimits,
): Promise<Outcome | "fenced"> {
  const outcome = await parkOrNot(client, owner, request, limits);
  const { checkpoint } = request;
  if (checkpoint !== undefined && (outcome === "fenced" || outcome.state !== "SUSPENDED"))
    await releaseStaged(client, owner, checkpoint.checkpointId);
  return outcome;
}

async function parkOrNot(
  client: pg.PoolClient,
  owner: JournalOwner,
  request: Request,
  limits: ParkLimits,
): Promise<Outcome | "fenced"> {
  const { rows } = await client.query<Locked>({
    name: "park-lock",
    text: `select x.run_id, x.state::text, ${IS_UNTOLD} as is_untold, j.seq from execution x join run_journal j on j.run_id = x.run_id
           where x.id = $1 for update of j`,
    values: [owner.executionId],
  });
  const locked = rows[0];
  const unchanged: Outcome = {
    state: locked?.state === "PARKED" ? "PARKED" : "RUNNING",
    completions: [],
    isPressed: false,
    announcement: undefined,
    runId: undefined,
  };
  // Without a journal it waits for nothing that could wake it.
  if (locked === undefined) return unchanged;
  const goOn = async (news: Partial<Outcome>): Promise<Outcome> => {
    if (locked.is_untold) await tellToGoOn(client, owner);
    return { ...unchanged, ...news };
  };
  if (locked.seq > request.known)
    return goOn({ completions: await completionsAfter(client, locked.run_id, request.known) });
  const refused =
    request.checkpoint && (await whyNotStored(client, owner, request.checkpoint, limits.maxCheckpointBytes));
  if (refused !== undefined) return goOn({ refused });
  const kept = await leave(client, owner, request, limits);
  if (kept === undefined) return "fenced";
  const isGone = request.mode !== "hold" && kept.moved;
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

/** The commit that this is part of is the point from which the stored process counts. */
const STORED = `, stored as (
    update checkpoint c set state = 'stored', stored_at = now(), chunks = s.chunks, bytes = s.bytes, stored_bytes = s.stored_bytes,
      sha256 = decode(s.sha256, 'hex'), known = s.known, features = s.features, if_lost = s.if_lost, memo_encrypted = $7
    from moving m, jsonb_to_record($6::jsonb) as s (id uuid, chunks int, bytes bigint, stored_bytes bigint, sha256 text, known int,
      features jsonb, if_lost jsonb)
    where c.id = s.id and c.execution_id = m.id and c.state = 'staged'
  )`;

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
          : `, execution_id = null, attempt_started_at = null,
      checkpoint_id = ${mode === "process" ? "($6::jsonb ->> 'id')::uuid" : "null"},
      compute_ms = r.compute_ms + coalesce(($2::jsonb ->> 'computeMs')::bigint, 0)`
      }
    from moving m where r.environment_id = m.environment_id and r.id = m.run_id
  ), noted as (
    update run_journal j set waits_after = j.seq, park = jsonb_build_object(
      'mode', $2::jsonb -> 'mode', 'reason', $2::jsonb -> 'reason',
      'at', case when j.waits_after is not null and j.park -> 'mode' = $2::jsonb -> 'mode' and j.park ? 'at' then j.park -> 'at'
            else to_jsonb(to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end)
    from moving m where j.run_id = m.run_id
  )${mode === "process" ? STORED : ""}
  select exists (select 1 from moving) as moved, (select f.lane_id from freed f) as lane_id,
    m.cancel_requested_at is not null as is_canceled,
    (select count(*) from (select 1 from execution x where x.environment_id = $3 and x.state = 'PARKED' limit $4::int) k)
      + ${mode === "hold" ? 1 : 0} >= $4::int / 2.0 as is_pressed
  from mine m`;
const STATEMENTS = { hold: LEAVE("hold"), replay: LEAVE("replay"), process: LEAVE("process") };

async function leave(
  client: pg.PoolClient,
  owner: JournalOwner,
  request: Request,
  { maxHeld, leaseTtlMs }: ParkLimits,
): Promise<Left | undefined> {
  const { mode, reason } = request;
  const because = request.ifLost.because === undefined ? undefined : storableText(request.ifLost.because);
  const ifLost = { ...request.ifLost, because };
  const computeMs = Math.round(request.computeMs);
  const { rows } = await client.query<Left>({
    name: `park-${mode}`,
    text: STATEMENTS[mode],
    values: [
      owner.executionId,
      JSON.stringify({ mode, reason, computeMs, ifLost }),
      owner.environmentId,
      Math.max(1, maxHeld),
      leaseTtlMs,
      ...(mode === "process" ? stored(request, ifLost) : []),
    ],
  });
  return rows[0];
}

function stored({ checkpoint, known, memo }: Request, ifLost: object): unknown[] {
  if (checkpoint === undefined) return [];
  const { checkpointId: id, chunks, bytes, storedBytes: stored_bytes, sha256, features } = checkpoint;
  const row = { id, chunks, bytes: Math.round(bytes), stored_bytes, sha256, known, features: jsonSafe(features) };
  return [JSON.stringify({ ...row, if_lost: ifLost }), memo];
}
