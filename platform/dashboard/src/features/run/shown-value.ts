/** An address that may be made a link: http and https, nothing that runs or opens another program. */
export function safeUrl(text: string): string | undefined {
  if (!/^https?:\/\//i.test(text) || text.length > 2000) return undefined;
  try {
    const { protocol, href } = new URL(text);
    return protocol === "http:" || protocol === "https:" ? href : undefined;
  } catch {
    return undefined;
  }
}

/** A value as text for an editor. */
export function toJsonText(value: unknown): string {
  return JSON.stringify(value, null, 2) ?? "";
}

export type ParsedJson = { ok: true; value: unknown } | { ok: false; message: string };

/** Text of an editor as a value; empty text is no value at all. */
export function parseJsonText(text: string): ParsedJson {
  if (text.trim() === "") return { ok: true, value: undefined };
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { ok: false, message: `This is not JSON: ${(error as Error).message}` };
  }
}

interface EncodedPayload {
  payload: string;
  payloadType: "application/json" | "application/super+json";
}

/**
 * An edited payload as it is sent. `meta` is what superjson needs to restore dates, maps and the like of the payload that was
 * edited: it stays where what it speaks of is still there.
 */
export function encodePayload(value: unknown, meta: unknown): EncodedPayload {
  const kept = keptMeta(value, meta);
  if (kept === undefined) return { payload: JSON.stringify(value) ?? "", payloadType: "application/json" };
  return { payload: JSON.stringify({ json: value, meta: kept }), payloadType: "application/super+json" };
}

function keptMeta(value: unknown, meta: unknown): unknown {
  const { values, ...rest } = (meta ?? {}) as { values?: unknown };
  if (typeof values !== "object" || values === null) return undefined;
  // The whole value is something that JSON has no form for.
  if (Array.isArray(values)) return meta;
  const kept = Object.entries(values).filter(([path]) => isThere(value, path));
  return kept.length === 0 ? undefined : { ...rest, values: Object.fromEntries(kept) };
}

/** `path` as superjson writes it: keys with dots between them; dots within a key have a backslash before them. */
function isThere(value: unknown, path: string): boolean {
  const keys = path.split(/(?<!\\)\./).map((key) => key.replaceAll("\\.", ".").replaceAll("\\\\", "\\"));
  let at = value;
  for (const key of keys) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string, unknown>)[key];
  }
  return true;
}
