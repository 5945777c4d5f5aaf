import { DEFAULT_LIMITS, type TriggerOptions } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import type { TriggerRequest } from "../runs/run.ts";
import { toTriggerRequest } from "./trigger-request.ts";

const nowMs = Date.parse("2026-01-01T00:00:00Z");
const context = { limits: { ...DEFAULT_LIMITS }, nowMs, machines: new Set(["small-1x", "large-2x"]) };
const from = (options: TriggerOptions, payload?: unknown) => toTriggerRequest("t", { payload, options }, context);

describe("an option becomes", () => {
  const cases: Record<string, { options: TriggerOptions; want: Partial<TriggerRequest> }> = {
    "an instant, from a delay": { options: { delay: "1h" }, want: { delayUntil: new Date(nowMs + 3_600_000) } },
    "nothing, from a delay that is over": { options: { delay: "2020-01-01" }, want: {} },
    "milliseconds, from a ttl in seconds": { options: { ttl: 90 }, want: { ttlMs: 90_000 } },
    "milliseconds, from a ttl in words": { options: { ttl: "1h30m" }, want: { ttlMs: 5_400_000 } },
    "milliseconds, from maxDuration in seconds": { options: { maxDuration: 1.5 }, want: { maxDurationMs: 1500 } },
    "a list without doubles, from one tag": { options: { tags: "a" }, want: { tags: ["a"] } },
    "a list without doubles, from several": { options: { tags: ["a", "b", "a"] }, want: { tags: ["a", "b"] } },
    "text, from a number as concurrency key": { options: { concurrencyKey: 7 }, want: { concurrencyKey: "7" } },
    "a name, from a preset": { options: { machine: { preset: "large-2x" } }, want: { machine: "large-2x" } },
    "a queue's name": { options: { queue: { name: "emails" } }, want: { queue: "emails" } },
    "a version, whatever it is called": { options: { version: "20260101.1" }, want: { version: "20260101.1" } },
    "a key with the environment's time to live": {
      options: { idempotencyKey: "k" },
      want: { idempotencyKey: "k", idempotencyKeyTtlMs: DEFAULT_LIMITS.idempotencyKeyTtlMs },
    },
    "a key with its own": {
      options: { idempotencyKey: "k", idempotencyKeyTTL: "1m" },
      want: { idempotencyKey: "k", idempotencyKeyTtlMs: 60_000 },
    },
    "nothing, from metadata that is null": { options: { metadata: null }, want: {} },
    "plain JSON, from metadata of superjson": {
      options: { metadata: '{"json":{"a":1},"meta":{}}', metadataType: "application/super+json" },
      want: { metadata: { data: Buffer.from('{"a":1}'), type: "application/json" } },
    },
  };
  test.each(Object.entries(cases))("%s", (_title, { options, want }) => {
    const { taskId: _taskId, payload: _payload, ...rest } = from(options);
    expect(rest).toEqual(want);
  });
});

describe("a payload is kept", () => {
  const cases: Record<
    string,
    { payload: unknown; type?: TriggerOptions["payloadType"]; wantText: string; wantType: string }
  > = {
    "as JSON, from a value without a type": { payload: { a: 1 }, wantText: '{"a":1}', wantType: "application/json" },
    "as a JSON string, from a string without a type": { payload: "hi", wantText: '"hi"', wantType: "application/json" },
    "as it is, from encoded text": {
      payload: '{"json":1}',
      type: "application/super+json",
      wantText: '{"json":1}',
      wantType: "application/super+json",
    },
    "as JSON, from a value of type JSON": {
      payload: [1],
      type: "application/json",
      wantText: "[1]",
      wantType: "application/json",
    },
    "as text, from plain text": { payload: "a\0b", type: "text/plain", wantText: "a\0b", wantType: "text/plain" },
    "empty, from nothing": { payload: undefined, wantText: "", wantType: "application/json" },
    "as null, from null": { payload: null, wantText: "null", wantType: "application/json" },
  };
  test.each(Object.entries(cases))("%s", (_title, { payload, type, wantText, wantType }) => {
    const { payload: packet } = from(type === undefined ? {} : { payloadType: type }, payload);
    expect({ text: packet.data.toString(), type: packet.type }).toEqual({ text: wantText, type: wantType });
  });
});
