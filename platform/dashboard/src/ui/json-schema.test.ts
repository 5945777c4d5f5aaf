import { describe, expect, test } from "vitest";
import { checkAgainstSchema, propertiesOf, schemaAt, valuesOf } from "./json-schema.ts";

const schema = {
  type: "object",
  properties: {
    customer: { type: "string", minLength: 1, description: "Their name" },
    cents: { type: "integer", minimum: 0 },
    currency: { enum: ["EUR", "USD"] },
    lines: { type: "array", maxItems: 2, items: { $ref: "#/$defs/line" } },
    target: { anyOf: [{ type: "null" }, { $ref: "#/$defs/line" }] },
  },
  required: ["customer", "cents"],
  additionalProperties: false,
  $defs: {
    line: { type: "object", properties: { sku: { type: "string" }, isGift: { type: "boolean" } }, required: ["sku"] },
  },
};
const good = { customer: "Ada", cents: 10 };

describe("a payload is held against its schema", () => {
  test.each([
    ["a good one", good, []],
    ["one with everything", { ...good, currency: "EUR", lines: [{ sku: "a" }], target: null }, []],
    ["a missing property", { cents: 1 }, [[[], 'lacks "customer"']]],
    ["a wrong type", { ...good, cents: "10" }, [[["cents"], "must be integer, not string"]]],
    ["a fraction", { ...good, cents: 1.5 }, [[["cents"], "must be integer, not number"]]],
    ["a bound", { ...good, cents: -1 }, [[["cents"], "must be at least 0"]]],
    ["an empty text", { ...good, customer: "" }, [[["customer"], "must have at least 1 characters"]]],
    ["a value that is none of them", { ...good, currency: "GBP" }, [[["currency"], 'must be one of "EUR", "USD"']]],
    ["an unknown property", { ...good, colour: 1 }, [[["colour"], '"colour" is not known here']]],
    ["an item, by reference", { ...good, lines: [{ sku: "a" }, {}] }, [[["lines", 1], 'lacks "sku"']]],
    ["the best fitting choice", { ...good, target: { sku: 1 } }, [[["target", "sku"], "must be string, not number"]]],
    ["no object at all", null, [[[], "must be object, not null"]]],
  ])("%s", (_, value, want) => {
    expect(checkAgainstSchema(value, schema)).toEqual(want.map(([path, message]) => ({ path, message })));
  });

  test("a schema that refers to itself for ever ends", () => {
    expect(checkAgainstSchema({}, { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/a" } } })).toEqual([]);
    const list = { $ref: "#/$defs/l", $defs: { l: { type: "object", properties: { next: { $ref: "#/$defs/l" } } } } };
    expect(checkAgainstSchema({ next: { next: { next: 1 } } }, list)).toHaveLength(1);
  });
});

describe("an editor asks", () => {
  test("which properties may stand here, required ones first", () => {
    expect(
      propertiesOf(schemaAt(schema, []))
        .map(({ name, detail }) => [name, detail])
        .slice(0, 3),
    ).toEqual([
      ["customer", "string, required"],
      ["cents", "integer, required"],
      ["currency", "any"],
    ]);
    expect(propertiesOf(schemaAt(schema, ["lines", 0])).map(({ name }) => name)).toEqual(["sku", "isGift"]);
    expect(propertiesOf(schemaAt(schema, ["nowhere", "at", "all"]))).toEqual([]);
  });

  test("which values there are", () => {
    expect(valuesOf(schemaAt(schema, ["currency"]))).toEqual(["EUR", "USD"]);
    expect(valuesOf(schemaAt(schema, ["target", "isGift"]))).toEqual([true, false]);
  });
});
