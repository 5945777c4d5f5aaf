import { describe, expect, test } from "vitest";
import { errorFingerprint, messageShape, ownFrame } from "./error-fingerprint.ts";

const STACK = `Error: no order 17
    at Socket.connect (node:net:1:2)
    at query (/app/node_modules/pg/lib/client.js:526:17)
    at async load (file:///app/src/orders.ts:12:9)
    at run (/app/src/task.ts:3:1)`;
const error = (message: string, over: object = {}) => ({ name: "Error", message, stack: STACK, ...over });

describe("the fingerprint of an error", () => {
  test.each<[string, object, boolean]>([
    ["another number in the message", error("no order 18"), true],
    ["another line of the same function", error("no order 17", { stack: STACK.replace("12:9", "80:1") }), true],
    ["another folder", error("no order 17", { stack: STACK.replace("/app/src/orders", "/srv/p/orders") }), true],
    ["another function", error("no order 17", { stack: STACK.replace("load", "save") }), false],
    ["another name", error("no order 17", { name: "RangeError" }), false],
    ["a code", error("no order 17", { code: "E_NO" }), false],
    ["other words", error("no customer 17"), false],
  ])("%s: the same is %s", (_, other, wantSame) => {
    const same = errorFingerprint("FAILED", error("no order 17")) === errorFingerprint("FAILED", other as never);
    expect(same).toBe(wantSame);
  });

  test("runs that did not fail have none, and those that failed without an error have their status's", () => {
    expect(errorFingerprint("COMPLETED", undefined)).toBeUndefined();
    expect(errorFingerprint("CANCELED", error("canceled"))).toBeUndefined();
    expect(errorFingerprint("EXPIRED", undefined)).toMatch(/^[0-9a-f]{16}$/);
    expect(errorFingerprint("EXPIRED", undefined)).not.toBe(errorFingerprint("TIMED_OUT", undefined));
  });
});

describe("the shape of a message", () => {
  test.each([
    ["duplicate key 4711 for user 0199c0de-0000-7000-8000-000000000000", "duplicate key <n> for user <id>"],
    ["run run_01k00000000000000000000000 is gone", "run <id> is gone"],
    ['unknown field "total" of `order`', "unknown field <text> of <text>"],
    ["late since 2026-11-22T08:50:58.123Z", "late since <time>"],
    ["mail to jo.doe+x@example.com bounced", "mail to <email> bounced"],
    ["commit 9f77a10bcd is missing", "commit <id> is missing"],
    ["facade decade", "facade decade"],
    ["first line\nsecond line 1", "first line"],
  ])("%s", (message, want) => expect(messageShape(message)).toBe(want));

  test("a long message with many quotes is read in no time", () => {
    // Of its own time: others may have the processor meanwhile.
    const before = process.cpuUsage();
    messageShape(`${"'a".repeat(100_000)} ${"1-".repeat(100_000)}`);
    ownFrame(`    at ${"x (".repeat(100_000)}\n`.repeat(20));
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

describe("the frame that an error is known by", () => {
  test("is the first of the user's own, without line and folder", () => {
    expect(ownFrame(STACK)).toBe("load orders.ts");
  });

  test.each([
    ["    at /app/dist/entry-AB12CD34.mjs:1:2", " entry.mjs"],
    ["    at new Order (C:\\p\\order.ts:1:2)", "new Order order.ts"],
    ["    at Array.map (<anonymous>)", ""],
    ["no stack at all", ""],
  ])("%s", (stack, want) => expect(ownFrame(stack)).toBe(want));
});
