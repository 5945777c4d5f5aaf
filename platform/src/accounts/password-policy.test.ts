import { describe, expect, test } from "vitest";
import { decidePassword, normalPassword } from "./password-policy.ts";

describe("a new password", () => {
  test.each([
    ["of a few words is taken", "correct horse battery", undefined],
    ["of 12 characters is taken", "Tr0ub4dor&3x", undefined],
    ["of any script is taken", "пароль из слов", undefined],
    ["of 11 characters is too short", "Tr0ub4dor&3", "TOO_SHORT"],
    ["counts characters, not bytes", "😀😁😂😃😄😅", "TOO_SHORT"],
    ["of 257 characters is too long", "ab12x".repeat(52), "TOO_LONG"],
    ["of one character again and again is too plain", "aaaaaaaaaaaaaaaa", "TOO_PLAIN"],
    ["that begins with the address's name is refused", "adalovelace2026", "LIKE_EMAIL"],
    ["that contains the whole address is refused", "x adalovelace@example.com", "LIKE_EMAIL"],
  ])("%s", (_, password, want) => {
    const decision = decidePassword(password, "adalovelace@example.com");
    expect(decision.accept ? undefined : decision.reason).toBe(want);
  });

  test("is the same however a keyboard composes its letters", () => {
    expect(normalPassword("pässword")).toBe(normalPassword("pa\u0308ssword"));
  });
});
