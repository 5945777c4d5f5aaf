import { currentRun } from "./current-run.ts";
import type { IdempotencyKey } from "./run-handle.ts";

export type IdempotencyKeyScope = "run" | "attempt" | "global";

/** What a key was made from; sent along, so that lists can show it in place of the hash. */
export interface IdempotencyKeyOptions {
  key: string;
  scope: IdempotencyKeyScope;
}

/** The run and attempt a key belongs to; by default those in which it is made. */
export interface KeyOwner {
  runId?: string | undefined;
  attemptNumber?: number | undefined;
}

const MADE_FROM = Symbol.for("dev.gantry.idempotencyKeys");
/** Remembered at most, oldest forgotten first: a long-lived server makes keys without end. */
const MAX_REMEMBERED = 10_000;

function madeFrom(): Map<string, IdempotencyKeyOptions> {
  const host = globalThis as { [MADE_FROM]?: Map<string, IdempotencyKeyOptions> };
  host[MADE_FROM] ??= new Map();
  return host[MADE_FROM];
}

/**
 * Makes a key of 64 hexadecimal characters from one or more strings.
 *
 * Scope `run` (the default) makes it the run's own, so that a retried run triggers its child once; `attempt` the
 * attempt's own; `global` the environment's. Outside of runs all three are global. The hash is Trigger.dev's, so keys
 * made by either SDK meet.
 */
export async function createIdempotencyKey(
  key: string | string[],
  options?: { scope?: IdempotencyKeyScope },
): Promise<IdempotencyKey> {
  const parts = Array.isArray(key) ? key : [key];
  const scope = options?.scope ?? "run";
  const hash = await hashKey(parts, scope, ownerHere());
  remember(hash, { key: parts.join("-"), scope });
  return hash;
}

export async function hashKey(parts: string[], scope: IdempotencyKeyScope, owner: KeyOwner): Promise<IdempotencyKey> {
  const material = [...parts, ...scopeParts(scope, owner)].join("-");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(material));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("") as IdempotencyKey;
}

/** The hash of what a user passed as `idempotencyKey`; a made key stays as it is. */
export async function toIdempotencyKey(key: string | string[] | undefined): Promise<IdempotencyKey | undefined> {
  if (key === undefined || key.length === 0) return undefined;
  return isIdempotencyKey(key) ? key : createIdempotencyKey(key);
}

/** The key of a call that the run's journal makes once; lists show no name for it, the user gave none. */
export async function onceIdempotencyKey(
  onceKey: string | undefined,
  ...more: string[]
): Promise<IdempotencyKey | undefined> {
  return onceKey === undefined ? undefined : hashKey([onceKey, ...more], "run", ownerHere());
}

export function idempotencyKeyOptions(key: string): IdempotencyKeyOptions | undefined {
  return madeFrom().get(key);
}

export function isIdempotencyKey(key: string | string[]): key is IdempotencyKey {
  return typeof key === "string" && /^[0-9a-f]{64}$/.test(key);
}

export function ownerHere(): KeyOwner {
  const ctx = currentRun()?.ctx;
  return { runId: ctx?.run.id, attemptNumber: ctx?.attempt.number };
}

function scopeParts(scope: IdempotencyKeyScope, owner: KeyOwner): string[] {
  if (scope === "global" || owner.runId === undefined) return [];
  return scope === "run" ? [owner.runId] : [owner.runId, String(owner.attemptNumber ?? 1)];
}

function remember(hash: string, options: IdempotencyKeyOptions): void {
  const keys = madeFrom();
  keys.delete(hash);
  keys.set(hash, options);
  if (keys.size > MAX_REMEMBERED) keys.delete(keys.keys().next().value as string);
}
