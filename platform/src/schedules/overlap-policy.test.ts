import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideOverlap } from "./overlap-policy.ts";

const claimed = (...dues: number[]) => dues.map((dueAt) => ({ dueAt, state: "claimed" as const }));
const words = ({ decisions, cancel }: ReturnType<typeof decideOverlap>) => [
  ...decisions.map((decision) => (decision.do === "skip" ? decision.reason : decision.do)),
  ...(cancel ? ["cancel"] : []),
];

describe("where runs of a schedule meet", () => {
  test.each([
    ["allow", true, [1, 2], ["start", "start"]],
    ["skip", false, [1, 2], ["start", "OVERLAP"]],
    ["skip", true, [1], ["OVERLAP"]],
    ["queue", false, [1, 2, 3], ["start", "wait", "QUEUE_TAKEN"]],
    ["queue", true, [1, 2], ["wait", "QUEUE_TAKEN"]],
    ["cancelRunning", false, [1, 2], ["SUPERSEDED", "start"]],
    ["cancelRunning", true, [1, 2], ["SUPERSEDED", "wait", "cancel"]],
    ["cancelRunning", true, [], []],
  ] as const)("%s, running %s, due %j", (overlap, isRunning, dues, want) => {
    expect(words(decideOverlap(overlap, isRunning, claimed(...dues)))).toEqual(want);
  });

  test("but for allow, no two ever run at once, and each due time ends as a run or with a reason", () => {
    const events = fc.array(fc.constantFrom("due", "ends"), { maxLength: 40 });
    fc.assert(
      fc.property(
        fc.constantFrom("skip" as const, "queue" as const, "cancelRunning" as const),
        events,
        (overlap, all) => {
          let running = 0;
          let pending: { dueAt: number; state: "claimed" | "waiting" }[] = [];
          for (const [dueAt, event] of all.entries()) {
            if (event === "ends") running = 0;
            else pending.push({ dueAt, state: "claimed" });
            const { decisions, cancel } = decideOverlap(overlap, running > 0, pending);
            expect(decisions.map((decision) => decision.dueAt)).toEqual(pending.map((due) => due.dueAt));
            running += decisions.filter((decision) => decision.do === "start").length;
            expect(running).toBeLessThanOrEqual(1);
            if (cancel) expect(overlap).toBe("cancelRunning");
            pending = decisions.flatMap(({ do: what, dueAt: due }) =>
              what === "wait" ? [{ dueAt: due, state: "waiting" as const }] : [],
            );
            expect(pending.length).toBeLessThanOrEqual(1);
          }
        },
      ),
    );
  });
});
