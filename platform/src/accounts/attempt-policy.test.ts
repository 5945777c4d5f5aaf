import { describe, expect, test } from "vitest";
import { addressBlock, loginLimits } from "./attempt-policy.ts";

describe("addresses that are one place", () => {
  test.each([
    ["203.0.113.7", "203.0.113.7"],
    ["::ffff:203.0.113.7", "203.0.113.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8:1:2::9", "2001:db8:1:2"],
    ["2001:DB8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    [undefined, "unknown"],
  ])("%s counts as %s", (address, want) => {
    expect(addressBlock(address)).toBe(want);
  });
});

test("an account is slowed from one place before it is from everywhere", () => {
  const [pair, place, account] = loginLimits("ada@example.com", "203.0.113.7").map(({ attempts }) => attempts);
  expect(pair).toBeLessThan(place as number);
  expect(place).toBeLessThan(account as number);
});
