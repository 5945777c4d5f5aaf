import { hashKey, isIdempotencyKey } from "../../client/idempotency-key.ts";
import { decodeValue } from "../../client/packet.ts";
import {
  completeToken,
  createToken,
  listTokens,
  retrieveToken,
  type TokenReference,
  tokenId,
  WaitpointTimeoutError,
} from "../../client/tokens.ts";
import { parseDurationMs } from "../../contract/duration.ts";
import { fromWireError } from "../../contract/wire-error.ts";
import { ownNow } from "../own-clock.ts";
import { requireDurable } from "./require-durable.ts";
import { ManualWaitpointPromise, type WaitpointTokenResult } from "./token-promise.ts";
import { invalidWait, readDate, readPeriod } from "./wait-period-policy.ts";

export interface CommonWaitOptions {
  /** Runs that wait with the same key wait once: a later one goes on when the first one does. */
  idempotencyKey?: string | undefined;
  /** `"24h"`, `"30d"`: then the key means another wait. */
  idempotencyKeyTTL?: string | undefined;
}

type WaitPeriod =
  | { seconds: number }
  | { minutes: number }
  | { hours: number }
  | { days: number }
  | { weeks: number }
  | { months: number }
  | { years: number };
export type WaitForOptions = WaitPeriod & CommonWaitOptions;

export interface WaitUntilOptions extends CommonWaitOptions {
  date: Date;
  /** Whether a date that has passed is an error; else the run goes on at once. Default false. */
  throwIfInThePast?: boolean | undefined;
}

const COMMON = ["idempotencyKey", "idempotencyKeyTTL"] as const;

/**
 * Suspends the run. It holds no place in its queue meanwhile, and its process may end; `maxDuration` does not count it.
 * A month is 30 days, a year 365. 0 goes on at once.
 *
 * Errors: INVALID_WAIT (negative, no number, more than 100 years), NESTED_DURABLE_CALL inside a step, NOT_IN_A_RUN.
 *
 * @example
 * await step.run("welcome", () => emails.send({ to: user.email, template: "welcome" }));
 * await wait.for({ days: 3 });
 */
async function waitFor(options: WaitForOptions): Promise<void> {
  const { ms, label } = readPeriod(options, COMMON);
  await waitForTime("wait.for", { fingerprint: `for:${ms}`, label, due: { inMs: ms }, options });
}

/**
 * Suspends the run until a date; one that has passed lets it go on at once.
 *
 * Errors: as `wait.for`; INVALID_WAIT too for a date that has passed where `throwIfInThePast` is set.
 */
async function waitUntil(options: WaitUntilOptions): Promise<void> {
  // A reading of ours, not of the task's: the journal need not keep it.
  const nowMs = ownNow();
  const at = readDate(options?.date, nowMs);
  const label = `until ${new Date(at).toISOString()}`;
  const check = () => {
    // Asked as the wait begins, not on a replay, by which time every date has passed.
    if (options.throwIfInThePast && at < Date.now()) throw invalidWait(`wait.until got a date in the past: ${label}.`);
  };
  await waitForTime("wait.until", { fingerprint: `until:${at}`, label, due: { at }, options, check });
}

interface TimeWait {
  fingerprint: string;
  label: string;
  due: { inMs: number } | { at: number };
  options: CommonWaitOptions;
  check?: () => void;
}

async function waitForTime(what: string, { fingerprint, label, due, options, check }: TimeWait): Promise<void> {
  const { durable } = requireDurable(what);
  const keyTtl = keyTtlMs(what, options.idempotencyKeyTTL);
  const { completion } = await durable.wait({
    kind: "time",
    fingerprint,
    label,
    open: async () => {
      check?.();
      return { due, ...(await keyFields(options.idempotencyKey, keyTtl)) };
    },
  });
  if (!completion.ok && completion.error) throw durable.failure(completion.entry, fromWireError(completion.error));
}

function keyTtlMs(what: string, ttl: string | undefined): number | undefined {
  const ms = ttl === undefined ? undefined : parseDurationMs(ttl);
  if (ttl !== undefined && !(ms !== undefined && ms > 0)) {
    throw invalidWait(`${what} got idempotencyKeyTTL: "${ttl}": write it like "24h" or "30d".`);
  }
  return ms;
}

/** A text is the environment's, as in Trigger.dev; `idempotencyKeys.create` makes keys of a run's own. */
async function keyFields(key: string | undefined, ttlMs: number | undefined) {
  if (key === undefined) return {};
  return {
    idempotencyKey: isIdempotencyKey(key) ? key : await hashKey([key], "global", {}),
    ...(ttlMs === undefined ? {} : { idempotencyKeyTtlMs: ttlMs }),
  };
}

/**
 * Suspends the run until somebody completes the token, or its time is over: `{ ok: true, output }` or `{ ok: false, error }`.
 *
 * Errors: as `wait.for`. `unwrap()`: WaitpointTimeoutError.
 *
 * @example
 * const token = await wait.createToken({ timeout: "3d" });
 * await step.run("ask", () => slack.ask("Publish?", { approveUrl: token.url }));
 * const { approved } = await wait.forToken<{ approved: boolean }>(token).unwrap();
 */
function waitForToken<T>(token: TokenReference): ManualWaitpointPromise<T> {
  const result = tokenResult<T>(token);
  return new ManualWaitpointPromise<T>((resolve) => resolve(result));
}

async function tokenResult<T>(token: TokenReference): Promise<WaitpointTokenResult<T>> {
  const id = tokenId(token, "wait.forToken");
  const { durable } = requireDurable("wait.forToken");
  const { completion } = await durable.wait({
    kind: "token",
    fingerprint: `token:${id}`,
    label: id,
    open: () => ({ tokenId: id }),
  });
  if (completion.ok) return { ok: true, output: decodeValue(completion.value, completion.valueType) as T };
  const message = completion.error?.message ?? "The token was not completed in its time.";
  return { ok: false, error: durable.failure(completion.entry, new WaitpointTimeoutError(message)) };
}

/** Suspends the run: for a time, until a date, for a token. Inside runs only, but for the functions about tokens. */
export const wait = {
  for: waitFor,
  until: waitUntil,
  forToken: waitForToken,
  createToken,
  completeToken,
  retrieveToken,
  listTokens,
};
