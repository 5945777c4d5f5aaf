import type pg from "pg";
import type { ActorKind, AuditFilter, AuditLog, StoredAuditEntry } from "../../accounts/audit-log.ts";
import { jsonSafe, storableText } from "./storable-text.ts";

interface AuditRow {
  id: string;
  at: Date;
  actor_kind: ActorKind;
  actor_id: string | null;
  actor_name: string | null;
  action: string;
  target: string | null;
  environment_id: number | null;
  slug: string | null;
  ref: string | null;
  outcome: string;
  address: string | null;
  request_id: string | null;
  details: Record<string, unknown>;
}

const TEXT_CHARACTERS = 400;

export function createAuditLog(pool: pg.Pool): AuditLog {
  return {
    async record({ actor, action, target, environmentId, outcome, address, requestId, details }) {
      await pool.query(
        `insert into audit_entry (actor_kind, actor_id, actor_name, action, target, environment_id, outcome, address,
           request_id, details)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [
          actor.kind,
          actor.id,
          short(actor.name),
          action,
          short(target),
          environmentId,
          outcome,
          short(address),
          requestId,
          JSON.stringify(jsonSafe(details)),
        ],
      );
    },

    async list(filter, { size, after }) {
      const { text, values } = conditions(filter, after);
      const { rows } = await pool.query<AuditRow>(
        `select a.id::text, a.at, a.actor_kind, a.actor_id, a.actor_name, a.action, a.target, a.environment_id, e.slug, p.ref,
           a.outcome, a.address, a.request_id, a.details
         from audit_entry a left join environment e on e.id = a.environment_id left join project p on p.id = e.project_id
         where ${text} order by a.id desc limit ${size + 1}`,
        values,
      );
      const entries = rows.slice(0, size).map(toEntry);
      return { entries, next: rows.length > size ? entries.at(-1)?.id : undefined };
    },
  };
}

function conditions(filter: AuditFilter, after: string | undefined) {
  const values: unknown[] = [];
  const value = (each: unknown) => `$${values.push(each)}`;
  const parts = ["true"];
  if (after !== undefined && /^\d{1,18}$/.test(after)) parts.push(`a.id < ${value(after)}::bigint`);
  if (filter.actor !== undefined) {
    const like = value(`%${escaped(filter.actor)}%`);
    parts.push(`(a.actor_id = ${value(filter.actor)} or a.actor_name ilike ${like})`);
  }
  if (filter.action !== undefined)
    parts.push(`a.action like ${value(`${escaped(filter.action)}${filter.action.endsWith(".") ? "%" : ""}`)}`);
  if (filter.target !== undefined) parts.push(`a.target ilike ${value(`%${escaped(filter.target)}%`)}`);
  if (filter.outcome !== undefined) parts.push(filter.outcome === "ok" ? "a.outcome = 'ok'" : "a.outcome <> 'ok'");
  if (filter.from !== undefined) parts.push(`a.at >= ${value(filter.from)}`);
  if (filter.to !== undefined) parts.push(`a.at < ${value(filter.to)}`);
  return { text: parts.join(" and "), values };
}

/** For `like`: what the user typed, and no pattern. */
function escaped(text: string): string {
  return text.replaceAll(/[\\%_]/g, "\\$&");
}

function short(text: string | undefined): string | undefined {
  return text === undefined ? undefined : storableText(text.slice(0, TEXT_CHARACTERS));
}

function toEntry(row: AuditRow): StoredAuditEntry {
  return {
    id: row.id,
    at: row.at,
    actor: { kind: row.actor_kind, id: row.actor_id ?? undefined, name: row.actor_name ?? undefined },
    action: row.action,
    target: row.target ?? undefined,
    environmentId: row.environment_id ?? undefined,
    environment: row.slug === null || row.ref === null ? undefined : { project: row.ref, environment: row.slug },
    outcome: row.outcome,
    address: row.address ?? undefined,
    requestId: row.request_id ?? undefined,
    details: row.details,
  };
}
