import { DEFAULT_LIMITS, type Limits } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import type { CatalogedDeployment } from "../deployments/deployment-catalog.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { TriggerRequest } from "./run.ts";
import { checkTrigger, triggerDefaults } from "./trigger-policy.ts";

const limits: Limits = { ...DEFAULT_LIMITS, payloadBytes: 10, metadataBytes: 10 };
const bytes = (n: number) => ({ data: Buffer.alloc(n), type: "application/json" });
const fine: TriggerRequest = {
  taskId: "task",
  payload: bytes(10),
  metadata: bytes(10),
  tags: Array.from({ length: 10 }, () => "t".repeat(128)),
};

describe("a request", () => {
  test("that is just within every limit is fine", () => {
    expect(
      checkTrigger({ ...fine, concurrencyKey: "k".repeat(128), idempotencyKey: "i".repeat(2048) }, limits),
    ).toBeUndefined();
  });

  const cases: Record<string, { over: Partial<TriggerRequest>; want: string; wantDetails: object }> = {
    "with a payload over the limit names the limit": {
      over: { payload: bytes(11) },
      want: "PAYLOAD_TOO_LARGE",
      wantDetails: { limit: "payloadBytes", max: 10, size: 11 },
    },
    "with metadata over the limit names the limit": {
      over: { metadata: bytes(11) },
      want: "METADATA_TOO_LARGE",
      wantDetails: { limit: "metadataBytes" },
    },
    "with too many tags is refused": {
      over: { tags: Array.from({ length: 10_000 }, (_, n) => `${n}`) },
      want: "TOO_MANY_TAGS",
      wantDetails: { max: 10 },
    },
    "with a long tag is refused": {
      over: { tags: ["t".repeat(129)] },
      want: "TOO_MANY_TAGS",
      wantDetails: { limit: "tagCharacters" },
    },
    "with a NUL in a tag is refused": {
      over: { tags: ["a\0"] },
      want: "VALIDATION_FAILED",
      wantDetails: { field: "tags" },
    },
    "with a NUL in its task is refused": {
      over: { taskId: "a\0" },
      want: "VALIDATION_FAILED",
      wantDetails: { field: "taskId" },
    },
    "with half an emoji in its key is refused": {
      over: { idempotencyKey: "\ud83d" },
      want: "VALIDATION_FAILED",
      wantDetails: { field: "idempotencyKey" },
    },
    "with a NUL in its version is refused": {
      over: { version: "\0" },
      want: "VALIDATION_FAILED",
      wantDetails: { field: "version" },
    },
    "with a long concurrency key is refused": {
      over: { concurrencyKey: "k".repeat(129) },
      want: "VALIDATION_FAILED",
      wantDetails: { limit: "concurrencyKeyCharacters" },
    },
    "with a long idempotency key is refused": {
      over: { idempotencyKey: "k".repeat(2049) },
      want: "VALIDATION_FAILED",
      wantDetails: { limit: "idempotencyKeyCharacters" },
    },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { over, want, wantDetails }) => {
    expect(checkTrigger({ ...fine, ...over }, limits)).toMatchObject({ code: want, details: wantDetails });
  });

  test("may use emoji and any script", () => {
    expect(
      checkTrigger({ ...fine, concurrencyKey: "😀", tags: ["дом"], idempotencyKey: "鍵" }, limits),
    ).toBeUndefined();
  });
});

describe("what a request leaves open", () => {
  const deployment = (manifest: object): CatalogedDeployment => ({
    id: "d",
    environmentId: 1,
    version: "v",
    manifest: manifest as never,
    source: {} as never,
    tasks: new Map(),
  });
  const production = { type: "PRODUCTION" } as EnvironmentRef;
  const dev = { type: "DEVELOPMENT" } as EnvironmentRef;
  const defaults = (request: Partial<TriggerRequest>, environment = production, manifest = {}, declaration?: object) =>
    triggerDefaults(
      { ...fine, ...request },
      environment,
      limits,
      deployment(manifest),
      declaration === undefined ? undefined : { queueId: 1, declaration: declaration as never },
    );

  const cases: Record<string, { got: () => ReturnType<typeof defaults>; want: object }> = {
    "is 3 attempts, and no ttl or maxDuration": {
      got: () => defaults({}),
      want: { maxAttempts: 3, ttlMs: undefined, maxDurationMs: undefined },
    },
    "in dev is one attempt and ten minutes": { got: () => defaults({}, dev), want: { maxAttempts: 1, ttlMs: 600_000 } },
    "comes from the project": {
      got: () => defaults({}, production, { defaultRetry: { maxAttempts: 5 }, defaultMaxDuration: 1.5 }),
      want: { maxAttempts: 5, maxDurationMs: 1500 },
    },
    "comes from the task before the project, in dev too": {
      got: () =>
        defaults(
          {},
          dev,
          { defaultRetry: { maxAttempts: 5 }, defaultMaxDuration: 9 },
          { retry: { maxAttempts: 6 }, maxDuration: 2, ttlMs: 7 },
        ),
      want: { maxAttempts: 6, maxDurationMs: 2000, ttlMs: 7 },
    },
    "is not asked where the request says it": {
      got: () =>
        defaults(
          { maxAttempts: 2, ttlMs: 1, maxDurationMs: 3 },
          dev,
          {},
          { retry: { maxAttempts: 6 }, maxDuration: 2, ttlMs: 7 },
        ),
      want: { maxAttempts: 2, ttlMs: 1, maxDurationMs: 3 },
    },
    "is never more than the hard cap": { got: () => defaults({ maxAttempts: 100_000 }), want: { maxAttempts: 250 } },
    "is never less than one attempt": { got: () => defaults({ maxAttempts: 0 }), want: { maxAttempts: 1 } },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { got, want }) => {
    expect(got()).toMatchObject(want);
  });
});
