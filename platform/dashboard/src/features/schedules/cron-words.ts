/** A cron pattern in words: "At 08:00, Monday to Friday". What the contract's cron policy accepts; its meaning is decided there. */

const NICKNAMES: Record<string, string> = {
  "@hourly": "Every hour, on the hour",
  "@daily": "At 00:00 each day",
  "@midnight": "At 00:00 each day",
  "@weekly": "At 00:00 on Sunday",
  "@monthly": "At 00:00 on the 1st of the month",
  "@yearly": "At 00:00 on the 1st of the month in January",
  "@annually": "At 00:00 on the 1st of the month in January",
};
const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const MAX_TIMES = 6;

type Part =
  | { kind: "any" }
  | { kind: "value"; value: number }
  | { kind: "range"; from: number; to: number }
  | { kind: "step"; every: number; from?: number; to?: number }
  | { kind: "last"; value?: number }
  | { kind: "nth"; value: number; nth: number }
  | { kind: "nearest"; value: number };

/** Undefined for what it has no words for: the pattern itself says it then. */
export function cronWords(pattern: string): string | undefined {
  const text = pattern.trim();
  const nickname = NICKNAMES[text.toLowerCase()];
  if (nickname !== undefined) return nickname;
  const fields = text.split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) return undefined;
  const [second, minute, hour, day, month, weekday] = (fields.length === 6 ? fields : ["0", ...fields]).map(
    (field, index) => parseField(field, index),
  );
  if (!second || !minute || !hour || !day || !month || !weekday) return undefined;
  const time = timeWords(second, minute, hour);
  const date = dateWords(day, weekday, time.isClock);
  return [time.words, date, monthWords(month)].filter(Boolean).join(" ");
}

/** Undefined where it is not understood. */
function parseField(field: string, index: number): Part[] | undefined {
  const parts = field.split(",").map((part) => parsePart(part, index));
  return parts.every((part) => part !== undefined) ? parts : undefined;
}

const WEEKDAY = 5;
const MONTH = 4;

type Read = (word: string | undefined) => number | undefined;
/** The forms of a part, the special ones first; each makes a Part of what its pattern has caught. */
const FORMS: readonly [pattern: RegExp, make: (caught: string[], value: Read) => Part | undefined, on?: number][] = [
  [/^[*?]$/, () => ({ kind: "any" })],
  [/^L$/i, () => ({ kind: "last" })],
  [/^([^/]+)\/(\d+)$/, ([base = "", every], value) => stepOf(Number(every), base, value)],
  [/^(\w+)L$/i, ([day], value) => wrap(value(day), (of) => ({ kind: "last", value: of })), WEEKDAY],
  [/^(\d+)W$/i, ([day]) => ({ kind: "nearest", value: Number(day) })],
  [/^(\w+)#(\d)$/, ([day, nth], value) => wrap(value(day), (of) => ({ kind: "nth", value: of, nth: Number(nth) }))],
  [
    /^(\w+)-(\w+)$/,
    ([from, to], value) =>
      wrap(value(from), (first) => wrap(value(to), (end) => ({ kind: "range", from: first, to: end }))),
  ],
  [/^(\w+)$/, ([word], value) => wrap(value(word), (one) => ({ kind: "value", value: one }))],
];

function parsePart(text: string, index: number): Part | undefined {
  const value: Read = (word) => parseValue(word, index);
  const form = FORMS.find(([pattern, , on]) => (on === undefined || on === index) && pattern.test(text));
  return form?.[1](form[0].exec(text)?.slice(1) ?? [], value);
}

function stepOf(every: number, base: string, value: Read): Part | undefined {
  if (base === "*") return every === 1 ? { kind: "any" } : { kind: "step", every };
  const [, from, to] = /^(\w+)(?:-(\w+))?$/.exec(base) ?? [];
  return wrap(value(from), (first) => {
    const end = to === undefined ? undefined : value(to);
    return { kind: "step", every, from: first, ...(end === undefined ? {} : { to: end }) };
  });
}

function wrap<T, R>(value: T | undefined, make: (value: T) => R): R | undefined {
  return value === undefined ? undefined : make(value);
}

/** Numbers, and the names of months and weekdays. Sunday is 0, also where it is written 7. */
function parseValue(word: string | undefined, index: number): number | undefined {
  if (word === undefined) return undefined;
  const names = index === WEEKDAY ? DAYS : index === MONTH ? MONTHS : [];
  const named = word.length >= 3 ? names.findIndex((name) => name.toLowerCase().startsWith(word.toLowerCase())) : -1;
  if (named >= 0) return index === MONTH ? named + 1 : named;
  if (!/^\d+$/.test(word)) return undefined;
  return index === WEEKDAY ? Number(word) % 7 : Number(word);
}

function timeWords(second: Part[], minute: Part[], hour: Part[]): { words: string; isClock: boolean } {
  const seconds = secondWords(second);
  const times = clockTimes(minute, hour);
  if (times !== undefined) {
    return { words: [`At ${listed(times)}`, seconds && `(${seconds})`].filter(Boolean).join(" "), isClock: true };
  }
  const words = [seconds, minuteWords(minute, hour), hourWords(minute, hour)].filter(Boolean).join(", ");
  return { words: words.charAt(0).toUpperCase() + words.slice(1), isClock: false };
}

/** "05:00" for each minute of each hour, where both are few and named. */
function clockTimes(minute: Part[], hour: Part[]): string[] | undefined {
  const [minutes, hours] = [valuesOf(minute), valuesOf(hour)];
  if (minutes === undefined || hours === undefined || minutes.length * hours.length > MAX_TIMES) return undefined;
  return hours.flatMap((of) => minutes.map((at) => `${twoDigits(of)}:${twoDigits(at)}`)).sort();
}

function secondWords(second: Part[]): string {
  const values = valuesOf(second);
  if (values?.length === 1 && values[0] === 0) return "";
  const [only] = second;
  if (only?.kind === "any") return "every second";
  if (only?.kind === "step" && second.length === 1) return `every ${only.every} seconds`;
  return `at second ${numbersOf(second)}`;
}

function minuteWords(minute: Part[], hour: Part[]): string {
  const [only] = minute;
  if (only?.kind === "any") return "every minute";
  if (minute.length === 1 && only?.kind === "step") {
    const from = only.from ? ` from minute ${only.from}` : "";
    return `every ${only.every} minutes${from}${only.to === undefined ? "" : ` to ${only.to}`}`;
  }
  const values = valuesOf(minute);
  if (values?.length === 1 && values[0] === 0 && hour[0]?.kind === "any") return "every hour, on the hour";
  return `at minute ${numbersOf(minute)}${hour[0]?.kind === "any" ? " of each hour" : ""}`;
}

function hourWords(minute: Part[], hour: Part[]): string {
  const [only] = hour;
  if (only?.kind === "any") return "";
  if (hour.length === 1 && only?.kind === "step") {
    const from = only.from === undefined ? "" : ` from ${twoDigits(only.from)}:00`;
    return `every ${only.every} hours${from}${only.to === undefined ? "" : ` to ${twoDigits(only.to)}:59`}`;
  }
  const goesOn = minute.some(({ kind }) => kind === "any" || kind === "step");
  if (hour.length === 1 && only?.kind === "range") {
    return goesOn
      ? `from ${twoDigits(only.from)}:00 to ${twoDigits(only.to)}:59`
      : `each hour from ${twoDigits(only.from)} to ${twoDigits(only.to)}`;
  }
  return `in the hours ${numbersOf(hour)}`;
}

function dateWords(day: Part[], weekday: Part[], isClock: boolean): string {
  const isAnyDay = day[0]?.kind === "any";
  const isAnyWeekday = weekday[0]?.kind === "any";
  if (isAnyDay && isAnyWeekday) return isClock ? "each day" : "";
  if (isAnyDay) return weekdayWords(weekday);
  if (isAnyWeekday) return dayWords(day);
  return `${dayWords(day)}, and also ${weekdayWords(weekday)}`;
}

function dayWords(day: Part[]): string {
  const words = day.map((part) => {
    if (part.kind === "last") return "the last day";
    if (part.kind === "range") return `the ${ordinal(part.from)} to the ${ordinal(part.to)}`;
    if (part.kind === "step") {
      return `every ${ordinal(part.every)} day${part.from === undefined ? "" : ` from the ${ordinal(part.from)}`}`;
    }
    if (part.kind === "nearest") return `the weekday nearest to the ${ordinal(part.value)}`;
    return part.kind === "value" ? `the ${ordinal(part.value)}` : "each day";
  });
  return `on ${listed(words)} of the month`;
}

function weekdayWords(weekday: Part[]): string {
  const name = (value: number) => DAYS[value] ?? "?";
  const words = weekday.map((part) => {
    if (part.kind === "range") return `${name(part.from)} to ${name(part.to)}`;
    if (part.kind === "last")
      return `the last ${part.value === undefined ? "Saturday" : name(part.value)} of the month`;
    if (part.kind === "nth") return `the ${ordinal(part.nth)} ${name(part.value)} of the month`;
    if (part.kind === "step") return `every ${ordinal(part.every)} weekday`;
    return part.kind === "value" ? name(part.value) : "each day";
  });
  const [only] = weekday;
  return only?.kind === "range" && weekday.length === 1 ? `from ${words[0]}` : `on ${listed(words)}`;
}

function monthWords(month: Part[]): string {
  const name = (value: number) => MONTHS[value - 1] ?? "?";
  const [only] = month;
  if (only?.kind === "any") return "";
  if (only?.kind === "step" && month.length === 1) {
    return `every ${only.every} months${only.from === undefined ? "" : ` from ${name(only.from)}`}`;
  }
  const words = month.map((part) => {
    if (part.kind === "range") return `${name(part.from)} to ${name(part.to)}`;
    return part.kind === "value" ? name(part.value) : "each month";
  });
  return `in ${listed(words)}`;
}

function valuesOf(parts: Part[]): number[] | undefined {
  return parts.every((part) => part.kind === "value") ? parts.map((part) => part.value) : undefined;
}

function numbersOf(parts: Part[]): string {
  return listed(
    parts.map((part) => {
      if (part.kind === "range") return `${part.from} to ${part.to}`;
      if (part.kind === "step") return `every ${part.every}${part.from === undefined ? "" : ` from ${part.from}`}`;
      return part.kind === "value" ? String(part.value) : "any";
    }),
  );
}

function listed(words: string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

const ORDINALS = new Intl.PluralRules("en", { type: "ordinal" });
const ENDINGS: Partial<Record<Intl.LDMLPluralRule, string>> = { one: "st", two: "nd", few: "rd" };

function ordinal(value: number): string {
  return `${value}${ENDINGS[ORDINALS.select(value)] ?? "th"}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
