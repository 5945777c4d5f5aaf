import { describe, expect, test } from "vitest";
import { auditParams, filtersOf } from "./audit-filters.ts";

describe("filters of the audit log", () => {
  test.each([
    ["are none where the address has none", {}, {}],
    [
      "are what the address has",
      { actor: "ada", outcome: "refused", hours: 24 },
      { actor: "ada", outcome: "refused", hours: 24 },
    ],
    ["leave out what makes no sense", { outcome: "maybe", hours: "x", action: "" }, {}],
  ])("%s", (_, search, want) => {
    expect(filtersOf(search as never)).toEqual(want);
  });

  test("ask for a period by its beginning, the same within a minute", () => {
    const at = Date.parse("2026-01-02T10:20:30Z");
    const want = { from: new Date("2026-01-01T10:20:00Z"), limit: 100, after: undefined };
    expect(auditParams({ hours: 24 }, at)).toEqual(want);
    expect(auditParams({ hours: 24 }, at + 20_000)).toEqual(want);
  });
});
