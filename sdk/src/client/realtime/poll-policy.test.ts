import { expect, test } from "vitest";
import { nextPollMs, type PollHistory } from "./poll-policy.ts";

const fresh: PollHistory = { unchanged: 0, failures: 0, retryAfterMs: undefined, isHidden: false };

const CASES: Record<string, { history: Partial<PollHistory>; random?: number; wantMs: number }> = {
  "a second after something changed": { history: {}, wantMs: 1000 },
  "longer the longer nothing changes": { history: { unchanged: 2 }, wantMs: 2250 },
  "never more than ten seconds for that": { history: { unchanged: 40 }, wantMs: 10_000 },
  "twice as long after each failure": { history: { failures: 3 }, wantMs: 4000 },
  "never more than thirty seconds for that": { history: { failures: 40 }, wantMs: 30_000 },
  "what the platform asks for, where that is more": { history: { failures: 1, retryAfterMs: 45_000 }, wantMs: 45_000 },
  "seldom while nobody looks": { history: { isHidden: true }, wantMs: 15_000 },
  "spread over a quarter more": { history: {}, random: 1, wantMs: 1250 },
};

test.each(Object.entries(CASES))("polls %s", (_, { history, random = 0, wantMs }) => {
  expect(nextPollMs({ ...fresh, ...history }, random)).toBe(wantMs);
});
