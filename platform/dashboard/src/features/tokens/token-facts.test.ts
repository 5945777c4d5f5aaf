import { describe, expect, test } from "vitest";
import { asTokenStatus, readTypedData, shownOutput } from "./token-facts.ts";

describe("what a token is completed with", () => {
  test.each([
    ['{"approved": true}', { approved: true }],
    ["1", 1],
    ['"yes"', "yes"],
    ["  ", undefined],
  ])("%j is data", (text, want) => {
    expect(readTypedData(text)).toEqual({ ok: true, data: want });
  });

  test("what is no JSON says so", () => {
    expect(readTypedData("{approved: true}")).toMatchObject({ ok: false, problem: expect.stringContaining("no JSON") });
  });
});

test.each([
  ['{"a":1}', "application/json", { a: 1 }],
  ['{"json":{"at":"2026-11-22"},"meta":{"values":{"at":["Date"]}}}', "application/super+json", { at: "2026-11-22" }],
  ["hello", "text/plain", "hello"],
  ["{broken", "application/json", "{broken"],
  [undefined, undefined, undefined],
])("an output %s of %s is shown", (output, type, want) => {
  expect(shownOutput(output, type)).toEqual(want);
});

test("an address may name a status, or nonsense", () => {
  expect(asTokenStatus("WAITING")).toBe("WAITING");
  expect(asTokenStatus("waiting")).toBeUndefined();
});
