import { expect, test } from "vitest";
import { clockOffset } from "./clock-offset-policy.ts";

const DAY_MS = 86_400_000;
const DAY_NS = 86_400_000_000_000n;
const stored = { monotonicNs: 40n * DAY_NS, wallMs: 1_000 * DAY_MS };

const cases: Record<string, { here: { monotonicNs: bigint; wallMs: number }; want: bigint }> = {
  "the same node, an hour later": {
    here: { monotonicNs: 40n * DAY_NS + DAY_NS / 24n, wallMs: stored.wallMs + DAY_MS / 24 },
    want: 0n,
  },
  "a node that was booted 30 days later": {
    here: { monotonicNs: 13n * DAY_NS, wallMs: stored.wallMs + 3 * DAY_MS },
    want: 30n * DAY_NS,
  },
  "a node that was booted 30 days sooner": {
    here: { monotonicNs: 73n * DAY_NS, wallMs: stored.wallMs + 3 * DAY_MS },
    want: -30n * DAY_NS,
  },
  "a node whose clock is behind": {
    here: { monotonicNs: 5n * DAY_NS, wallMs: stored.wallMs - 400 },
    want: 35n * DAY_NS,
  },
};

test.each(Object.entries(cases))("on %s a process's clock goes on where it stood", (_sentence, { here, want }) => {
  expect(clockOffset(stored, here)).toBe(want);
});
