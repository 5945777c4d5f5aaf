/** How a log line leaves the run: cut to the limit, its data as JSON. Never throws: logging must not fail a task. */
import { DEFAULT_LIMITS } from "../contract/limits.ts";
import type { RunEvent } from "../contract/worker-protocol.ts";
import { ownNow } from "./own-clock.ts";
import type { RunScope } from "./run-scope.ts";

export type LogLevel = RunEvent["level"];

export function emitLog(scope: RunScope, level: LogLevel, message: string, attributes?: unknown): void {
  emit(scope, { kind: "log", level, message, attributes });
}

/** Something that happened, rather than something that was said: a span, a failed hook. */
export function emitEvent(scope: RunScope, level: LogLevel, message: string, attributes?: unknown): void {
  emit(scope, { kind: "event", level, message, attributes });
}

interface Line {
  kind: "log" | "event";
  level: LogLevel;
  message: string;
  attributes?: unknown;
}

function emit(scope: RunScope, { kind, level, message, attributes }: Line): void {
  const data = attributes === undefined ? undefined : attributesText(attributes);
  scope.host.emit({
    at: ownNow(),
    kind,
    level,
    message: cutLine(message),
    ...(data === undefined ? {} : { data }),
  });
}

/** The line, at most `logLineBytes` of UTF-8; a longer one says how long it was. */
export function cutLine(text: string): string {
  const limit = DEFAULT_LIMITS.logLineBytes;
  // Most lines are short: three bytes a character is the most that UTF-8 takes.
  if (text.length * 3 <= limit) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  const note = `… (cut: ${bytes.length} bytes, the limit is ${limit})`;
  const kept = new TextDecoder().decode(bytes.subarray(0, limit - Buffer.byteLength(note)), { stream: true });
  return kept + note;
}

function attributesText(attributes: unknown): string {
  const text = safeJson(attributes);
  if (Buffer.byteLength(text) <= DEFAULT_LIMITS.logLineBytes) return text;
  return JSON.stringify({ cut: `${Buffer.byteLength(text)} bytes; the limit is ${DEFAULT_LIMITS.logLineBytes}` });
}

/** JSON of anything: cycles, BigInts and errors become text, throwing getters too. */
function safeJson(value: unknown): string {
  const ancestors: unknown[] = [];
  try {
    return (
      JSON.stringify(value, function (this: unknown, _key, member: unknown) {
        if (typeof member === "bigint") return member.toString();
        if (typeof member === "function" || typeof member === "symbol") return String(member);
        if (typeof member !== "object" || member === null) return member;
        while (ancestors.length > 0 && ancestors.at(-1) !== this) ancestors.pop();
        if (ancestors.includes(member)) return "[cycle]";
        ancestors.push(member);
        return jsonView(member);
      }) ?? "null"
    );
  } catch (error) {
    return JSON.stringify({ unserializable: error instanceof Error ? error.message : "thrown while it was read" });
  }
}

function jsonView(member: object): unknown {
  if (member instanceof Error) return { name: member.name, message: member.message, stack: member.stack };
  if (member instanceof Map) return Object.fromEntries(member);
  if (member instanceof Set) return [...member];
  return member;
}
