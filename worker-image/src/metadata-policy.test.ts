import { applyMetadataOperations, type MetadataOperation } from "@gantry/sdk/contract";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { coalesce } from "./metadata-policy.ts";

const coalesced = (operations: MetadataOperation[]) => operations.reduce<MetadataOperation[]>(coalesce, []);

describe("operations that wait to be sent", () => {
  test("have the same result as all of them one by one", () => {
    const key = fc.constantFrom("a", "b", "$.a", "$.a.x", "$.b[0]");
    const value = fc.oneof(
      fc.integer(),
      fc.constantFrom("s", null),
      fc.dictionary(fc.constantFrom("x", "y"), fc.integer()),
    );
    const operation = fc.oneof(
      fc.record({ type: fc.constant("set" as const), key, value }),
      fc.record({ type: fc.constant("delete" as const), key }),
      fc.record({ type: fc.constant("append" as const), key, value }),
      fc.record({ type: fc.constant("remove" as const), key, value }),
      fc.record({ type: fc.constant("increment" as const), key, value: fc.integer({ min: -100, max: 100 }) }),
      fc.record({ type: fc.constant("update" as const), value: fc.dictionary(fc.constantFrom("a", "b", "c"), value) }),
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 12 }), (operations) => {
        const start = () => ({ a: { x: 1 }, c: [1] });
        expect(applyMetadataOperations(start(), coalesced(structuredClone(operations)))).toEqual(
          applyMetadataOperations(start(), structuredClone(operations)),
        );
      }),
    );
  });

  const table: Record<string, { operations: MetadataOperation[]; want: MetadataOperation[] }> = {
    "the last of many sets of a key is sent alone": {
      operations: [
        { type: "set", key: "progress", value: 1 },
        { type: "set", key: "step", value: "a" },
        { type: "set", key: "progress", value: 2 },
      ],
      want: [
        { type: "set", key: "step", value: "a" },
        { type: "set", key: "progress", value: 2 },
      ],
    },
    "increments of a key become one": {
      operations: [
        { type: "increment", key: "n", value: 1 },
        { type: "increment", key: "n", value: 4 },
      ],
      want: [{ type: "increment", key: "n", value: 5 }],
    },
    "an update makes what came before it void": {
      operations: [
        { type: "append", key: "list", value: 1 },
        { type: "update", value: { fresh: true } },
      ],
      want: [{ type: "update", value: { fresh: true } }],
    },
    "appends are all sent": {
      operations: [
        { type: "append", key: "list", value: 1 },
        { type: "append", key: "list", value: 1 },
      ],
      want: [
        { type: "append", key: "list", value: 1 },
        { type: "append", key: "list", value: 1 },
      ],
    },
  };
  test.each(Object.entries(table))("%s", (_sentence, { operations, want }) => {
    expect(coalesced(operations)).toEqual(want);
  });
});
