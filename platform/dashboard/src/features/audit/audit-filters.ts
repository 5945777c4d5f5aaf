import type { ListAuditParams } from "@gantry/sdk";
import type { SearchParams } from "../../layout/search-params.ts";

/** The audit log's filters, as the address has them. */
export interface AuditFilters {
  actor?: string;
  action?: string;
  target?: string;
  outcome?: "ok" | "refused";
  /** How far back, in hours. */
  hours?: number;
}

export const PERIODS = [
  { value: "", label: "All time" },
  { value: "24", label: "Last 24 hours" },
  { value: "168", label: "Last 7 days" },
  { value: "720", label: "Last 30 days" },
];

/** Kinds of action, by how their names begin. */
export const ACTIONS = [
  { value: "", label: "Any action" },
  { value: "auth.", label: "Sign-in and sessions" },
  { value: "users.", label: "Members" },
  { value: "runs.", label: "Runs" },
  { value: "tasks.", label: "Triggers" },
  { value: "deployments.", label: "Deployments" },
  { value: "projects.", label: "Variables" },
  { value: "keys.", label: "API keys" },
  { value: "access-tokens.", label: "Access tokens" },
  { value: "queues.", label: "Queues" },
  { value: "schedules.", label: "Schedules" },
  { value: "limits.", label: "Limits" },
];

export const OUTCOMES = [
  { value: "", label: "Any outcome" },
  { value: "ok", label: "Done" },
  { value: "refused", label: "Refused" },
];

export function filtersOf(search: SearchParams): AuditFilters {
  const text = (name: string) => (typeof search[name] === "string" && search[name] !== "" ? search[name] : undefined);
  const outcome = text("outcome");
  const hours = Number(search.hours);
  const filters = {
    actor: text("actor"),
    action: text("action"),
    target: text("target"),
    outcome: outcome === "ok" || outcome === "refused" ? outcome : undefined,
    hours: Number.isInteger(hours) && hours > 0 ? hours : undefined,
  };
  return Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
}

/** What is asked of the API for a page. */
export function auditParams({ hours, ...filters }: AuditFilters, nowMs: number, after?: string): ListAuditParams {
  // To the minute, so that looking again asks the same.
  const from = hours === undefined ? {} : { from: new Date(Math.floor(nowMs / 60_000) * 60_000 - hours * 3_600_000) };
  return { ...filters, ...from, after, limit: 100 };
}
