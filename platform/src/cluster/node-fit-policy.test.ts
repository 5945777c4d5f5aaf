import { expect, test } from "vitest";
import type { NodeSize, PodObject } from "./cluster-facts.ts";
import { fitsNowhere, isRuledOutEverywhere } from "./node-fit-policy.ts";

const pod = (requests: Record<string, string>) =>
  ({
    metadata: { name: "p" },
    spec: { containers: [{ name: "task", resources: { requests } }] },
  }) as unknown as PodObject;
const FULL = "0/1 nodes are available: 1 Insufficient cpu.";

const cases: Record<
  string,
  { requests: Record<string, string>; nodes: NodeSize[] | undefined; want: boolean | undefined }
> = {
  "as large as the node": { requests: { cpu: "4", memory: "8G" }, nodes: [{ cpu: 4, memory: 8e9 }], want: false },
  "larger than every node": { requests: { cpu: "5" }, nodes: [{ cpu: 4 }, { cpu: 2 }], want: true },
  "larger than one node of two": { requests: { cpu: "3" }, nodes: [{ cpu: 4 }, { cpu: 2 }], want: false },
  "asking for disk that nobody listed": {
    requests: { cpu: "1", "ephemeral-storage": "256Mi" },
    nodes: [{ cpu: 4, memory: 8e9 }],
    want: false,
  },
  "asking for a device that no node has": { requests: { "nvidia.com/gpu": "1" }, nodes: [{ cpu: 4 }], want: true },
  "on nodes that may not be read": { requests: { cpu: "500" }, nodes: undefined, want: undefined },
};

test.for(Object.entries(cases))("a pod %s", ([, { requests, nodes, want }]) => {
  expect(fitsNowhere(pod(requests), nodes, FULL)).toBe(want);
});

const AFFINITY = "node(s) didn't match Pod's node affinity";
const ruledOut: Record<string, { ruledOut: number; message: string; want: boolean }> = {
  "all of whose nodes were ruled out": { ruledOut: 1, message: `0/1 nodes are available: 1 ${AFFINITY}.`, want: true },
  "in a newer scheduler's words": {
    ruledOut: 2,
    message: `0/3 nodes are available: 1 node(s) had untolerated taint {a/b: c}, 2 ${AFFINITY}/selector. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.`,
    want: true,
  },
  "in an older scheduler's words": {
    ruledOut: 1,
    message: `0/2 nodes are available: 1 ${AFFINITY}, 1 node(s) had taint {a: b}, that the pod didn't tolerate.`,
    want: true,
  },
  "that other nodes could have, were they the operator's": {
    ruledOut: 1,
    message: `0/3 nodes are available: 3 ${AFFINITY}/selector.`,
    want: false,
  },
  "that waits for room": {
    ruledOut: 1,
    message: `0/2 nodes are available: 1 ${AFFINITY}, 1 Insufficient cpu.`,
    want: false,
  },
  "that no node was ruled out for": { ruledOut: 0, message: `0/1 nodes are available: 1 ${AFFINITY}.`, want: false },
  "of which the scheduler says nothing": { ruledOut: 1, message: "No node has room.", want: false },
};

test.for(Object.entries(ruledOut))("a stored process's pod %s", ([, { ruledOut, message, want }]) => {
  expect(isRuledOutEverywhere(ruledOut, message)).toBe(want);
});
