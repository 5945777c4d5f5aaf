import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";
import { parseDurationMs, parseFilterInstant } from "./duration.ts";

const MAX_VALUES = 100;

/** What all lists filter by creation with. */
export interface CreatedQuery {
  "filter[createdAt][period]"?: string | undefined;
  "filter[createdAt][from]"?: string | undefined;
  "filter[createdAt][to]"?: string | undefined;
}

/** Errors: VALIDATION_FAILED. */
export function createdRange(query: CreatedQuery, nowMs: number): { from?: Date; to?: Date } {
  const range: { from?: Date; to?: Date } = {};
  const period = query["filter[createdAt][period]"];
  if (period !== undefined) {
    const ms = parseDurationMs(period);
    if (ms === undefined) throw invalidQuery("filter[createdAt][period]", `"${period}" is no duration`);
    range.from = new Date(Math.max(0, nowMs - ms));
  }
  for (const side of ["from", "to"] as const) {
    const said = query[`filter[createdAt][${side}]`];
    if (said === undefined) continue;
    const at = parseFilterInstant(said);
    if (at === undefined)
      throw invalidQuery(`filter[createdAt][${side}]`, `"${said}" is neither milliseconds nor an ISO date`);
    range[side] = at;
  }
  return range;
}

/** "a,b" → its different parts; undefined where there are none. Errors: VALIDATION_FAILED for more than a hundred. */
export function splitList(text: string | undefined, name: string): string[] | undefined {
  if (text === undefined) return undefined;
  const parts = text.split(",").map((value) => value.trim());
  const values = [...new Set(parts.filter((value) => value !== ""))];
  if (values.length > MAX_VALUES)
    throw invalidQuery(`filter[${name}]`, `has ${values.length} values; ${MAX_VALUES} are allowed`);
  return values.length === 0 ? undefined : values;
}

/** Errors: VALIDATION_FAILED, with what was meant. */
export function statusOf<T extends string>(name: string, statuses: readonly T[]): T {
  const known = statuses.find((status) => status === name);
  if (known !== undefined) return known;
  const near = didYouMean(name, statuses);
  const meant = near === undefined ? "" : `; did you mean "${near}"?`;
  throw invalidQuery("filter[status]", `"${name.slice(0, 40)}" is no status${meant}`);
}

export function invalidQuery(path: string, message: string): AppError {
  return new AppError("VALIDATION_FAILED", `The query is not valid: ${path}: ${message}.`, {
    details: { issues: [{ path, message }] },
  });
}
