import { describe, expect, test } from "vitest";
import type { NodeFeatures } from "./process-checkpoint.ts";
import { whyNotRestorableOn } from "./restorable-policy.ts";

const STORED: NodeFeatures = { node: "a", arch: "x64", kernel: "6.18.44-1", cpuFlags: ["avx", "avx2", "sse"] };

describe("a process that was stored on one node", () => {
  const cases: Record<string, { there: Partial<NodeFeatures>; want: string | undefined }> = {
    "may be restored there": { there: {}, want: undefined },
    "may be restored on one that can do more": {
      there: { kernel: "7.0.1", cpuFlags: ["avx", "avx2", "avx512f", "sse"] },
      want: undefined,
    },
    "may be restored on another patch of its kernel": { there: { kernel: "6.18.2" }, want: undefined },
    "is not restored on another architecture": {
      there: { arch: "arm64" },
      want: "it was stored on x64, and b is arm64",
    },
    "is not restored on an older kernel": {
      there: { kernel: "6.9.0" },
      want: "it was stored on Linux 6.18.44-1, and b has the older 6.9.0",
    },
    "is not restored on an older major version": {
      there: { kernel: "5.19.0" },
      want: "it was stored on Linux 6.18.44-1, and b has the older 5.19.0",
    },
    "is not restored where the processor lacks something": {
      there: { cpuFlags: ["sse"] },
      want: "the processor of b lacks avx, avx2",
    },
  };
  test.each(Object.entries(cases))("%s", (_sentence, { there, want }) => {
    expect(whyNotRestorableOn(STORED, { ...STORED, node: "b", ...there })).toBe(want);
  });

  test("hears of five missing features, and how many more there are", () => {
    const many = { ...STORED, cpuFlags: ["a", "b", "c", "d", "e", "f", "g"] };
    expect(whyNotRestorableOn(many, { ...STORED, cpuFlags: [] })).toBe(
      "the processor of a lacks a, b, c, d, e and 2 more",
    );
  });
});
