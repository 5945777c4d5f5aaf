import { describe, expect, test } from "vitest";
import { checkAgainstSchema } from "../../ui/json-schema.ts";
import { NO_OPTIONS, optionCount, samplePayload, triggerOptions } from "./test-form.ts";

describe("the options of a test", () => {
  const cases: Record<string, { set: Partial<typeof NO_OPTIONS>; want: object }> = {
    "are none but that it is a test": { set: {}, want: { options: { test: true } } },
    "are sent as the API has them": {
      set: { delay: " 10m ", tags: "a, b,,", queue: "slow", version: "20260101.1", priority: "5", maxAttempts: "2" },
      want: {
        options: {
          test: true,
          delay: "10m",
          tags: ["a", "b"],
          queue: { name: "slow" },
          lockToVersion: "20260101.1",
          priority: 5,
          maxAttempts: 2,
        },
      },
    },
    "that are no numbers are told": { set: { priority: "high" }, want: { error: "Priority is a number." } },
  };
  test.each(Object.entries(cases))("%s", (_, { set, want }) => {
    expect(triggerOptions({ ...NO_OPTIONS, ...set })).toEqual(want);
  });

  test("are counted where they are folded away", () => {
    expect(optionCount({ ...NO_OPTIONS, delay: "1m", tags: "a" })).toBe(2);
  });
});

describe("a sample payload", () => {
  const cases: Record<string, { schema: unknown; want: unknown }> = {
    "has what is required": {
      schema: {
        type: "object",
        required: ["id", "amount", "currency", "email"],
        properties: {
          id: { type: "string" },
          amount: { type: "number", minimum: 1 },
          currency: { enum: ["eur", "usd"] },
          email: { type: "string", format: "email" },
          note: { type: "string" },
        },
      },
      want: { id: "", amount: 1, currency: "eur", email: "ada@example.com" },
    },
    "has all where nothing is": {
      schema: { properties: { a: { type: "boolean" }, b: { default: 3 } } },
      want: { a: false, b: 3 },
    },
    "follows references within the schema": {
      schema: {
        type: "array",
        minItems: 1,
        items: { $ref: "#/$defs/row" },
        $defs: { row: { type: "object", properties: { n: { type: "integer" } } } },
      },
      want: [{ n: 0 }],
    },
    "takes the first of several choices": { schema: { anyOf: [{ const: "x" }, { type: "null" }] }, want: "x" },
    "ends where a schema holds itself": { schema: { $ref: "#" }, want: null },
  };
  test.each(Object.entries(cases))("%s", (_, { schema, want }) => {
    expect(samplePayload(schema)).toEqual(want);
    if (want !== null) expect(checkAgainstSchema(want, schema)).toEqual([]);
  });
});
