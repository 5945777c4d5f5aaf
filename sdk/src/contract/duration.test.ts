import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDurationMs } from "./duration.ts";

const cases: Record<string, number | undefined> = {
  "1h": 3_600_000,
  "88s": 88_000,
  "1h52m18s": 6_738_000,
  "2w": 1_209_600_000,
  "1d12h": 129_600_000,
  "1.5s": 1_500,
  "250ms": 250,
  "1m250ms": 60_250,
  "": undefined,
  "1": undefined,
  soon: undefined,
  "1m1h": undefined,
  "-1h": undefined,
  "1h ago": undefined,
};

describe("a duration", () => {
  for (const [text, want] of Object.entries(cases)) {
    it(`"${text}" is ${want ?? "none"}`, () => {
      expect(parseDurationMs(text)).toBe(want);
    });
  }

  it("is a whole number of milliseconds or undefined, whatever the text", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^(\d{1,9}[wdhms]){1,4}$/)), (text) => {
        const ms = parseDurationMs(text);
        expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true);
      }),
    );
  });
});
