/**
 * Cron patterns: five fields, six with seconds first, or a nickname (`@hourly`, `@daily`, …).
 *
 * In a clock change a schedule means what people mean: a time that the clock skips comes at the moment of the change, a
 * time that it shows twice comes once, and what repeats through the day ("*\/30 * * * *") goes on in real time. Both
 * libraries that were looked at (croner, cron-parser) agree but for half-hour changes, where cron-parser loses due times.
 */
import { Cron } from "croner";

const NICKNAME = /^@(hourly|daily|midnight|weekly|monthly|yearly|annually)$/i;
const MAX_CHARACTERS = 256;
/** Patterns are asked again and again, and at midnight a thousand schedules ask the same: what follows what is kept a while. */
const parsed = new Map<string, { cron: Cron; following: Map<number, number | undefined> }>();
const MAX_PARSED = 2000;
const MAX_FOLLOWING = 32;

/** What is wrong with a pattern, as the end of a sentence; undefined where it is one. */
export function cronProblem(pattern: string): string | undefined {
  const text = pattern.trim();
  if (text.length > MAX_CHARACTERS) return `has more than ${MAX_CHARACTERS} characters`;
  const fields = text.split(/\s+/).length;
  if (text.startsWith("@")) {
    return NICKNAME.test(text) ? undefined : "is not one of @hourly, @daily, @weekly, @monthly and @yearly";
  }
  if (fields !== 5 && fields !== 6) {
    return `has ${text === "" ? 0 : fields} fields; five are needed (minute hour day month weekday), or six with seconds first`;
  }
  try {
    return new Cron(text, options("UTC")).nextRun(new Date(0)) === null ? "never comes" : undefined;
  } catch (error) {
    return `cannot be read: ${(error as Error).message.replace(/^CronPattern: /, "")}`;
  }
}

/** What is wrong with a time zone, as the end of a sentence; undefined where it is one. */
export function timezoneProblem(timezone: string): string | undefined {
  try {
    if (/^[A-Za-z]/.test(timezone)) {
      new Intl.DateTimeFormat("en", { timeZone: timezone });
      return undefined;
    }
  } catch {
    // Said below.
  }
  return "is no IANA time zone such as Europe/Berlin or UTC";
}

/**
 * The first time after `afterMs` that a pattern names; undefined where there is none any more.
 *
 * Units: milliseconds since the epoch. Errors: what the library throws for a pattern or zone that the checks above refuse.
 */
export function nextCronTime(pattern: string, timezone: string, afterMs: number): number | undefined {
  const { cron, following } = cronOf(pattern, timezone);
  if (following.has(afterMs)) return following.get(afterMs);
  const next = cron.nextRun(new Date(afterMs))?.getTime();
  if (following.size >= MAX_FOLLOWING) following.delete(following.keys().next().value as number);
  following.set(afterMs, next);
  return next;
}

/** All time zones there are, UTC first. */
export function timezones(): string[] {
  return ["UTC", ...Intl.supportedValuesOf("timeZone").filter((name) => name !== "UTC")];
}

function cronOf(pattern: string, timezone: string) {
  const key = `${timezone} ${pattern}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  if (parsed.size >= MAX_PARSED) parsed.delete(parsed.keys().next().value as string);
  const made = { cron: new Cron(pattern.trim(), options(timezone)), following: new Map<number, number | undefined>() };
  parsed.set(key, made);
  return made;
}

/** `5/15` is what other parsers take too. Paused: nothing is ever started here. */
const options = (timezone: string) => ({ timezone, paused: true, sloppyRanges: true });
