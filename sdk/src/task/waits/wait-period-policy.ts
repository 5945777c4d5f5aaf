import { didYouMean } from "../../contract/did-you-mean.ts";
import { TaskExecutionError } from "../errors.ts";

const SECOND_MS = 1_000;
const DAY_MS = 86_400 * SECOND_MS;
/** As in Trigger.dev: a month is 30 days, a year 365. */
const UNIT_MS = {
  seconds: SECOND_MS,
  minutes: 60 * SECOND_MS,
  hours: 3600 * SECOND_MS,
  days: DAY_MS,
  weeks: 7 * DAY_MS,
  months: 30 * DAY_MS,
  years: 365 * DAY_MS,
} as const;
type Unit = keyof typeof UNIT_MS;
const UNITS = Object.keys(UNIT_MS) as Unit[];
const LONGEST_MS = 100 * UNIT_MS.years;

export interface Period {
  ms: number;
  /** `2 hours 30 minutes`. */
  label: string;
}

/** How long `wait.for` is to wait; several units add up. `others` are further options. Error: INVALID_WAIT. */
export function readPeriod(options: unknown, others: readonly string[]): Period {
  if (typeof options !== "object" || options === null) {
    throw invalidWait(`wait.for got ${show(options)}: it takes an object such as { hours: 2 }.`);
  }
  const given = Object.entries(options).filter(([name, value]) => value !== undefined && !others.includes(name));
  const unknown = given.find(([name]) => !UNITS.includes(name as Unit))?.[0];
  if (unknown !== undefined) {
    const meant = didYouMean(unknown, [...UNITS, ...others]);
    throw invalidWait(
      `wait.for has no option "${unknown}"${meant === undefined ? `. Units are ${UNITS.join(", ")}` : `; did you mean "${meant}"?`}`,
    );
  }
  if (given.length === 0) throw invalidWait(`wait.for got no duration: give it ${UNITS.join(", ")}.`);
  const parts = given.map(([unit, amount]) => readPart(unit as Unit, amount));
  const ms = Math.round(parts.reduce((sum, part) => sum + part.ms, 0));
  const label = parts.map((part) => part.label).join(" ");
  if (ms > LONGEST_MS) throw invalidWait(`wait.for got ${label}: a wait is at most 100 years.`);
  return { ms, label };
}

function readPart(unit: Unit, amount: unknown): Period {
  if (typeof amount !== "number" || Number.isNaN(amount)) {
    throw invalidWait(`wait.for got ${unit}: ${show(amount)}, which is no number.`);
  }
  if (amount < 0) throw invalidWait(`wait.for got ${unit}: ${amount}, and nobody can wait for less than nothing.`);
  const ms = amount * UNIT_MS[unit];
  if (ms > LONGEST_MS) throw invalidWait(`wait.for got ${unit}: ${amount}: a wait is at most 100 years.`);
  return { ms, label: `${amount} ${amount === 1 ? unit.slice(0, -1) : unit}` };
}

/** The instant that `wait.until` is to wait for, in milliseconds since the epoch. Error: INVALID_WAIT. */
export function readDate(date: unknown, nowMs: number): number {
  if (!isDate(date)) throw invalidWait(`wait.until got ${show(date)}: it takes { date: new Date(…) }.`);
  const at = date.getTime();
  if (Number.isNaN(at)) throw invalidWait("wait.until got an invalid Date.");
  if (at - nowMs > LONGEST_MS) throw invalidWait(`wait.until got ${date.toISOString()}: a wait is at most 100 years.`);
  return at;
}

/** Of this realm or another. */
function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === "[object Date]";
}

export function invalidWait(message: string): TaskExecutionError {
  return new TaskExecutionError("INVALID_WAIT", message);
}

function show(value: unknown): string {
  if (typeof value === "string") return `"${value.slice(0, 100)}"`;
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return String(value);
  return Array.isArray(value) ? "an array" : "an object";
}
