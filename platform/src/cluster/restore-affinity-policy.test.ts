import type { NodeFeatures } from "@gantry/sdk/contract";
import type { V1Affinity } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import type { CheckpointNode } from "../checkpoints/checkpoint-store.ts";
import { nodesRuledOut, withRestoreAffinity } from "./restore-affinity-policy.ts";

const NOW = Date.parse("2026-11-22T12:00:00Z");
const MINUTE = 60_000;

function features(node: string, over: Partial<NodeFeatures> = {}): NodeFeatures {
  return { node, arch: "x64", kernel: "6.18.44", cpuFlags: ["avx2", "sse4_2"], ...over };
}

function seen(of: NodeFeatures, minutesAgo = 1, reason?: string): CheckpointNode {
  return { features: of, works: reason === undefined, reason, seenAt: new Date(NOW - minutesAgo * MINUTE) };
}

function shown(nodes: CheckpointNode[], refusedNodes: string[] = [], affinity?: V1Affinity) {
  const made = withRestoreAffinity(affinity, { features: features("n1"), nodes, refusedNodes }, NOW).nodeAffinity;
  const { requiredDuringSchedulingIgnoredDuringExecution: required } = made ?? {};
  const [term] = required?.nodeSelectorTerms ?? [];
  return {
    never: (term?.matchFields ?? []).map(({ values }) => values?.[0]),
    preferred: (made?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, preference }) => [
      weight,
      ...(preference.matchFields ?? []).map(({ operator, values }) => `${operator} ${values?.[0]}`),
    ]),
  };
}

const ORIGIN = [100, "In n1"];

describe("the nodes of a restore", () => {
  const cases: Record<string, { nodes: CheckpointNode[]; refused?: string[]; want: object }> = {
    "of which nothing is known are all, the one where it was stored first": {
      nodes: [],
      want: { never: [], preferred: [ORIGIN] },
    },
    "that have all it relies upon are preferred": {
      nodes: [seen(features("n1")), seen(features("n2"))],
      want: { never: [], preferred: [ORIGIN, [50, "In n2"]] },
    },
    "never include one that lacks something, older and newer kernels told apart": {
      nodes: [
        seen(features("n2", { kernel: "6.1.9" })),
        seen(features("n3", { cpuFlags: ["sse4_2"] })),
        seen(features("n4", { kernel: "7.0.1" })),
      ],
      want: { never: ["n2", "n3"], preferred: [ORIGIN, [50, "In n4"]] },
    },
    "never include one that has just failed its self-test, and do again after a while": {
      nodes: [seen(features("n2"), 1, "Operation not permitted"), seen(features("n3"), 11, "timed out")],
      want: { never: ["n2"], preferred: [ORIGIN] },
    },
    "of which the last word is a day old may have changed": {
      nodes: [seen(features("n2", { cpuFlags: [] }), 60 * 25)],
      want: { never: [], preferred: [ORIGIN] },
    },
    "where it was tried in vain come last": {
      nodes: [seen(features("n1")), seen(features("n2"))],
      refused: ["n1"],
      want: {
        never: [],
        preferred: [
          [50, "In n2"],
          [100, "NotIn n1"],
        ],
      },
    },
    "where it was tried in vain, as they are unable, are out": {
      nodes: [seen(features("n2", { cpuFlags: [] }))],
      refused: ["n2"],
      want: { never: ["n2"], preferred: [ORIGIN] },
    },
  };
  test.each(Object.entries(cases))("%s", (_title, { nodes, refused, want }) => {
    expect(shown(nodes, refused)).toEqual(want);
  });

  test("are few enough for a Job's spec, however many are known", () => {
    const many = Array.from({ length: 500 }, (_, index) => seen(features(`old-${index}`, { kernel: "5.4.0" }), index));
    const { never } = shown(many);
    expect([never.length, never[0]]).toEqual([100, "old-0"]);
  });
});

test("it is said how many nodes are ruled out, and why some of them are", () => {
  const told = (nodes: CheckpointNode[]) => nodesRuledOut({ features: features("n1"), nodes, refusedNodes: [] }, NOW);
  expect(told([])).toBe("0: ");
  const lacking = [2, 3, 4].map((each) => seen(features(`n${each}`, { cpuFlags: ["avx2"] }), each));
  const failing = seen(features("n5"), 5, "Operation not permitted");
  expect(told([failing, ...lacking.slice(0, 1)])).toBe(
    "2: the processor of n2 lacks sse4_2; n5: Operation not permitted",
  );
  expect(told([failing, ...lacking])).toMatch(/^4: .*n2.*; .*n3.*; .*n4 lacks sse4_2; …$/);
});

test("what the operator's template demands of nodes is demanded beside what the process needs, in each alternative", () => {
  const zones = ["a", "b"].map((zone) => ({ matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] }));
  const podAntiAffinity = { preferredDuringSchedulingIgnoredDuringExecution: [] };
  const affinity = {
    podAntiAffinity,
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: zones } },
  };
  const nodes = [seen(features("n2", { arch: "arm64" }))];
  const made = withRestoreAffinity(affinity, { features: features("n1"), nodes, refusedNodes: [] }, NOW);
  expect(made.podAntiAffinity).toBe(podAntiAffinity);
  expect(made.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms).toEqual(
    ["a", "b"].map((zone) => ({
      matchExpressions: [
        { key: "zone", operator: "In", values: [zone] },
        { key: "kubernetes.io/arch", operator: "In", values: ["amd64"] },
      ],
      matchFields: [{ key: "metadata.name", operator: "NotIn", values: ["n2"] }],
    })),
  );
});
