/**
 * Idempotency keys: a SHA-256 over the key's parts and what its scope adds, joined by "-", in hex.
 *
 * The same bytes as Trigger.dev's SDK hashes, so a key made by either finds the other's run.
 */
import { currentRun } from "./current-run.ts";

declare const brand: unique symbol;
/** 64 hex digits made by `idempotencyKeys.create`. */
export type IdempotencyKey = string & { readonly [brand]: "IdempotencyKey" };

/** `run`: once per run of the calling task. `attempt`: once per attempt of it. `global`: once per environment and task. */
export type IdempotencyKeyScope = "run" | "attempt" | "global";

/** What a key was made from; sent along, so that a person can read it. */
export interface IdempotencyKeyOptions {
  key: string;
  scope: IdempotencyKeyScope;
}

const KEY = Symbol.for("dev.gantry.idempotencyKeys");
const MAX_REMEMBERED = 10_000;
const slot = globalThis as { [KEY]?: Map<string, IdempotencyKeyOptions> };

/** A key whose default scope is the run around the caller; outside a run every scope means `global`. */
export async function createIdempotencyKey(
  key: string | string[],
  options?: { scope?: IdempotencyKeyScope | undefined },
): Promise<IdempotencyKey> {
  const parts = [key].flat();
  const scope = options?.scope ?? (currentRun() ? "run" : "global");
  const hash = await hashIdempotencyKey([...parts, ...scopeParts(scope)]);
  remember(hash, { key: parts.join("-"), scope });
  return hash;
}

/** What the caller of a trigger gave, made into a key: raw strings are hashed, made keys stay. */
export async function makeIdempotencyKey(
  key: IdempotencyKey | string | string[] | undefined,
): Promise<IdempotencyKey | undefined> {
  if (key === undefined || key.length === 0) return undefined;
  return isIdempotencyKey(key) ? key : createIdempotencyKey(key);
}

/** The key's text and scope, if it was made in this process. */
export function getIdempotencyKeyOptions(key: IdempotencyKey | string): IdempotencyKeyOptions | undefined {
  return slot[KEY]?.get(key);
}

/** A brand cannot be seen at run time: 64 characters are taken for a made key, as Trigger.dev's SDK does. */
export function isIdempotencyKey(key: string | string[]): key is IdempotencyKey {
  return typeof key === "string" && key.length === 64;
}

export async function hashIdempotencyKey(parts: string[]): Promise<IdempotencyKey> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(parts.join("-")));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("") as IdempotencyKey;
}

function scopeParts(scope: IdempotencyKeyScope): string[] {
  const run = currentRun();
  if (!run || scope === "global") return [];
  return scope === "run" ? [run.id] : [run.id, String(run.attempt)];
}

/** A process that lives long forgets its oldest keys; they still work, only their text is not sent along. */
function remember(hash: IdempotencyKey, options: IdempotencyKeyOptions): void {
  const known = (slot[KEY] ??= new Map());
  const oldest = known.keys().next();
  if (known.size >= MAX_REMEMBERED && !oldest.done) known.delete(oldest.value);
  known.set(hash, options);
}
