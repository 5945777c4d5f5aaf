import type { NodeSize, PodObject } from "./cluster-facts.ts";
import { parseQuantities } from "./resource-quantity.ts";

/**
 * Whether no node of the cluster could hold the pod even if it were empty. Undefined where that is not known: the nodes
 * may not be read, and the scheduler's message does not tell a full cluster from one that is too small.
 *
 * Newer schedulers say that making room would not help; it is believed where every node lacks a resource.
 */
export function fitsNowhere(pod: PodObject, nodes: NodeSize[] | undefined, message: string): boolean | undefined {
  if (nodes !== undefined && nodes.length > 0) {
    const asked = requestsOf(pod);
    return !nodes.some((node) =>
      Object.entries(asked).every(([name, amount]) => amount <= (node[name] ?? unlisted(name))),
    );
  }
  const [lacks = "", makingRoom = ""] = message.split("preemption:");
  const total = /0\/(\d+) nodes are available/.exec(lacks)?.[1];
  const isHopeless = makingRoom.includes(`${total} Preemption is not helpful`);
  return isHopeless && lacks.includes(`${total} Insufficient `) ? true : undefined;
}

/** Who lists a node's size may leave out what is plenty; a device that is not listed (`nvidia.com/gpu`) is not there. */
function unlisted(name: string): number {
  return name.includes("/") ? 0 : Number.POSITIVE_INFINITY;
}

/** What a pod reserves: its containers together, with native sidecars; or one init container, where that asks for more. */
function requestsOf({ spec }: PodObject): Record<string, number> {
  const total: Record<string, number> = {};
  const sidecars = (spec?.initContainers ?? []).filter((container) => container.restartPolicy === "Always");
  for (const { resources } of [...(spec?.containers ?? []), ...sidecars]) {
    for (const [name, amount] of Object.entries(parseQuantities(resources?.requests))) {
      total[name] = (total[name] ?? 0) + amount;
    }
  }
  for (const { resources } of spec?.initContainers ?? []) {
    for (const [name, amount] of Object.entries(parseQuantities(resources?.requests))) {
      total[name] = Math.max(total[name] ?? 0, amount);
    }
  }
  return total;
}
