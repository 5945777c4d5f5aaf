/**
 * What Postgres' text and jsonb cannot hold: NUL characters, and halves of surrogate pairs (a message cut in the middle of
 * an emoji). They become the symbols for them, in messages and stacks where nothing depends on them. Payloads, outputs
 * and metadata are bytes and keep everything.
 */
export function storableText(text: string): string {
  return (text.includes("\0") ? text.replaceAll("\0", "␀") : text).toWellFormed();
}

const SUSPICIOUS = /\\u(?:0000|d[89a-f])/i;

/** The same for every string within a JSON value. */
export function jsonSafe<T>(value: T): T {
  if (value === undefined) return value;
  const text = JSON.stringify(value);
  if (!SUSPICIOUS.test(text)) return value;
  return JSON.parse(text, (_key, part: unknown) => (typeof part === "string" ? storableText(part) : part)) as T;
}
