import { resolveConfig } from "../../client/configuration.ts";
import { isIdempotencyKey, onceIdempotencyKey, toIdempotencyKey } from "../../client/idempotency-key.ts";
import { decodeValue } from "../../client/packet.ts";
import { readChunks, waitForStream } from "../../client/stream-requests.ts";
import { type SendInputStreamOptions, sendToInputStream } from "../../client/streams.ts";
import { emitEvent } from "../log.ts";
import { ownNow } from "../own-clock.ts";
import { currentRegion, inOwnRegion, inRegion } from "../region.ts";
import { currentScope, type RunScope, requireScope, withScope } from "../run-scope.ts";
import { requireDurable } from "../waits/require-durable.ts";
import { ManualWaitpointPromise, WaitpointTimeoutError } from "../waits/token-promise.ts";
import { InputStreamOncePromise, InputStreamTimeoutError } from "./once-promise.ts";

export interface InputStreamSubscription {
  off: () => void;
}

export interface InputStreamOnceOptions {
  /** Rejects with its reason; the wait stays, and takes the next message all the same. */
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  spanName?: string | undefined;
}

export interface InputStreamWaitOptions {
  /** `"5m"`, `"24h"`, an ISO date: then the result is `{ ok: false, error }`. Default: never. */
  timeout?: string | undefined;
  /** Runs or attempts that wait with the same key wait for one message together. */
  idempotencyKey?: string | undefined;
  idempotencyKeyTTL?: string | undefined;
  /** Of the token that is waited for. */
  tags?: string[] | undefined;
  spanName?: string | undefined;
}

export interface InputStreamWaitWithIdleTimeoutOptions {
  idleTimeoutInSeconds: number;
  timeout?: string | undefined;
  spanName?: string | undefined;
  /** Before it waits on, when nothing came in the first seconds. */
  onSuspend?: (() => void | Promise<void>) | undefined;
  /** When a message came after all. */
  onResume?: (() => void | Promise<void>) | undefined;
  /** Gives up after the first seconds. */
  skipSuspend?: boolean | undefined;
}

type WaitResult<T> = { ok: true; output: T } | { ok: false; error: Error };

/** Messages to a run, by the stream's id. See `streams.input`. */
export interface InputStream<T> {
  id: string;
  /**
   * Calls the handler with every message, from the first one on, in order; where the run goes on in another process, from the
   * first again. What it throws is logged. Ends with the run's function.
   */
  on(handler: (data: T) => void | Promise<void>): InputStreamSubscription;
  /**
   * The next message that no other `once` or `wait` has: `{ ok: true, output }`, or after `timeoutMs` `{ ok: false, error }`;
   * `unwrap()` gives the message or throws InputStreamTimeoutError. Durable, as `wait`.
   */
  once(options?: InputStreamOnceOptions): InputStreamOncePromise<T>;
  /** The newest message that this process has seen, by `on`, `once` or `wait`. */
  peek(): T | undefined;
  /**
   * Suspends the run until the next message comes that no other `once` or `wait` has. Messages are given once each, in the order in
   * which they were sent, also those that were sent before. One that nobody awaits any more (in a race, say) still takes its
   * message: use `timeout`.
   *
   * Errors: as `wait.forToken`.
   */
  wait(options?: InputStreamWaitOptions): ManualWaitpointPromise<T>;
  waitWithIdleTimeout(options: InputStreamWaitWithIdleTimeoutOptions): Promise<WaitResult<T>>;
  /** From anywhere: sends a message to a run. */
  send(runId: string, data: T, options?: SendInputStreamOptions): Promise<void>;
}

/** How long one request for messages stays. */
const LISTEN_SECONDS = 300;

export function inputStream<T>(id: string): InputStream<T> {
  const input: InputStream<T> = {
    id,
    on: (handler) => listen(id, handler as (data: unknown) => unknown),
    once(options = {}) {
      const result = onceResult<T>(id, options);
      return new InputStreamOncePromise((resolve) => resolve(result));
    },
    peek: () => currentScope()?.streams.peek(id) as T | undefined,
    wait(options = {}) {
      const result = waitResult<T>(id, "wait", options);
      return new ManualWaitpointPromise((resolve) => resolve(result));
    },
    async waitWithIdleTimeout({ idleTimeoutInSeconds, timeout, onSuspend, onResume, skipSuspend }) {
      if (idleTimeoutInSeconds > 0) {
        const warm = await input.once({ timeoutMs: idleTimeoutInSeconds * 1000 });
        if (warm.ok) return warm;
      }
      if (skipSuspend) return { ok: false, error: new WaitpointTimeoutError("No message came in the idle time.") };
      await onSuspend?.();
      const result = await input.wait(timeout === undefined ? {} : { timeout });
      if (result.ok) await onResume?.();
      return result;
    },
    send: (runId, data, options) => sendToInputStream(runId, id, data, options),
  };
  return input;
}

/** The token is made by `open`, with the call's own key: a run that is cut off there finds the token that it made. */
async function waitResult<T>(
  id: string,
  what: "wait" | "once",
  options: InputStreamWaitOptions,
): Promise<WaitResult<T>> {
  const { durable, scope } = requireDurable(`${id}.${what}`, "Inside a step use on() or peek().");
  const { timeout, idempotencyKey, idempotencyKeyTTL, tags } = options;
  const { completion } = await durable.wait({
    kind: "token",
    fingerprint: `input:${id}`,
    label: `a message on ${id}`,
    async open(onceKey) {
      const given = idempotencyKey === undefined ? undefined : await keyOf(idempotencyKey);
      const key = given ?? (await onceIdempotencyKey(onceKey, "input"));
      const token = await waitForStream(scope.ctx.run.id, {
        streamId: id,
        ...(timeout === undefined ? {} : { timeout }),
        ...(key === undefined ? {} : { idempotencyKey: key }),
        ...(idempotencyKeyTTL === undefined ? {} : { idempotencyKeyTTL }),
        ...(tags === undefined ? {} : { tags }),
      });
      return { tokenId: token.waitpointId };
    },
  });
  if (completion.ok) {
    const { index, data } = decodeValue(completion.value, completion.valueType) as { index: number; data: T };
    scope.streams.saw(id, index, data);
    return { ok: true, output: data };
  }
  const message = `No message came on the input stream "${id}" in its time.`;
  return { ok: false, error: durable.failure(completion.entry, new WaitpointTimeoutError(message)) };
}

async function keyOf(key: string): Promise<string | undefined> {
  return isIdempotencyKey(key) ? key : toIdempotencyKey(key);
}

async function onceResult<T>(id: string, { signal, timeoutMs }: InputStreamOnceOptions) {
  const timeout = timeoutMs === undefined ? undefined : new Date(ownNow() + timeoutMs).toISOString();
  const waiting = waitResult<T>(id, "once", timeout === undefined ? {} : { timeout });
  const result = signal === undefined ? await waiting : await Promise.race([waiting, aborted(signal, waiting)]);
  if (result.ok) return result;
  return { ok: false as const, error: new InputStreamTimeoutError(id, timeoutMs ?? 0) };
}

function aborted(signal: AbortSignal, unless: Promise<unknown>): Promise<never> {
  return new Promise((_resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort);
    const forget = () => signal.removeEventListener("abort", onAbort);
    unless.then(forget, forget);
  });
}

/** What is asked of the platform is ours; the handler is the caller's. */
function listen(id: string, handler: (data: unknown) => unknown): InputStreamSubscription {
  const scope = requireScope(`${id}.on`);
  const region = currentRegion();
  const over = new AbortController();
  const call = (data: unknown) =>
    withScope(scope, () => (region ? inRegion(region, () => handler(data)) : handler(data)));
  const forget = scope.streams.listening(() => over.abort(new Error("The run's function has ended.")));
  void inOwnRegion(() => deliverAll(id, scope, over.signal, call));
  return {
    off() {
      forget();
      over.abort(new Error("off() was called."));
    },
  };
}

async function deliverAll(
  id: string,
  scope: RunScope,
  signal: AbortSignal,
  call: (data: unknown) => unknown,
): Promise<void> {
  const report = (message: string, error: unknown) => signal.aborted || emitEvent(scope, "error", message, { error });
  const config = resolveConfig({ signal });
  let from = 0;
  try {
    for (let isEnded = false; !isEnded && !signal.aborted; ) {
      const reading = { from, direction: "input", timeoutInSeconds: LISTEN_SECONDS } as const;
      const chunks = readChunks(config, scope.ctx.run.id, id, reading);
      for (let next = await chunks.next(); ; next = await chunks.next()) {
        if (next.done) {
          isEnded = next.value.isEnded;
          break;
        }
        const { index, data } = next.value;
        from = index + 1;
        const value: unknown = JSON.parse(data);
        scope.streams.saw(id, index, value);
        // One after the other: the next message waits for the handler.
        try {
          await call(value);
        } catch (error) {
          report(`A handler of the input stream "${id}" failed`, error);
        }
        if (signal.aborted) return void chunks.return({ isEnded: false });
      }
    }
  } catch (error) {
    report(`The input stream "${id}" cannot be read`, error);
  }
}
