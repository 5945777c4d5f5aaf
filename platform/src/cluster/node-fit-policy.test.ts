import { expect, test } from "vitest";
import type { NodeSize, PodObject } from "./cluster-facts.ts";
import { fitsNowhere } from "./node-fit-policy.ts";

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
