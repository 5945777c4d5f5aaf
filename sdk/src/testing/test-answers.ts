/** What tests say of things that a run waits for. */
import { encodeValue } from "../client/packet.ts";
import { toWireError, type WireError } from "../contract/wire-error.ts";

/** How something ended: its value, or its error. */
export type TestAnswer = { output?: unknown; error?: Error | string };

/** A wait of the run. Time passes at once: how long it would have been is told here. */
export type TestWait =
  | { kind: "time"; label: string /** Milliseconds. */; ms: number }
  | {
      kind: "token";
      label: string;
      id: string /** Milliseconds; undefined: none. */;
      timeoutMs: number | undefined;
      tags: string[];
    }
  | { kind: "child"; label: string; id: string; taskId: string; payload: unknown }
  | { kind: "batch"; label: string; id: string; runIds: string[] };
export type TestTokenWait = Extract<TestWait, { kind: "token" }>;

/** Says how a token ends; undefined: nobody completes it, and it times out where it has a timeout. */
export type OnWait = (wait: TestTokenWait) => TestAnswer | undefined | void | Promise<TestAnswer | undefined | void>;

/** An answer as the platform would store it. */
export interface StoredAnswer {
  ok: boolean;
  value?: string;
  valueType?: string;
  error?: WireError;
}

export function storedAnswer(answer: TestAnswer): StoredAnswer {
  if (answer.error !== undefined) {
    const error = typeof answer.error === "string" ? new Error(answer.error) : answer.error;
    return { ok: false, error: toWireError(error) };
  }
  const { data, dataType } = encodeValue(answer.output);
  return { ok: true, ...(data === undefined ? {} : { value: data }), valueType: dataType };
}

export function isAnswer(value: object | undefined | void): value is TestAnswer {
  return value !== undefined && ("output" in value || "error" in value);
}
