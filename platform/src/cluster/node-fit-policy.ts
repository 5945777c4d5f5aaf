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

const NOT_CHOSEN = /didn't match (Pod's )?node (affinity|selector)|didn't satisfy plugin\(s\) \[NodeAffinity\]/;
const TAINTED = /taint/;

/**
 * Whether a stored process's pod waits for nothing but another node: by the scheduler's message no node lacks room, and those
 * that it may not choose are no more than were ruled out for it.
 */
export function isRuledOutEverywhere(ruledOut: number, message: string): boolean {
  const [, lacks = ""] = /nodes are available: (.*?)\.?\s*(preemption:|$)/s.exec(message) ?? [];
  const reasons = lacks.split(/, (?=\d+ )/).map((reason) => ({ reason, count: Number.parseInt(reason, 10) }));
  const unchosen = reasons.filter(({ reason }) => NOT_CHOSEN.test(reason));
  const isAllSaid = reasons.every(({ reason }) => NOT_CHOSEN.test(reason) || TAINTED.test(reason));
  return isAllSaid && unchosen.length > 0 && unchosen.reduce((sum, { count }) => sum + count, 0) <= ruledOut;
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
