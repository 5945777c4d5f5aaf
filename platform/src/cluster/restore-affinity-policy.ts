import { whyNotRestorableOn } from "@gantry/sdk/contract";
import type { V1Affinity, V1NodeSelectorRequirement, V1NodeSelectorTerm } from "@kubernetes/client-node";
import type { CheckpointNode } from "../checkpoints/checkpoint-store.ts";
import type { RestoreRequest } from "./executor.ts";

/** Kubernetes' names of processors, by Node's; others are the same. */
const ARCHITECTURES: Record<string, string> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };
/** A node may be mended: what was found so long ago is found anew. */
const FAILURE_COUNTS_MS = 600_000;
const FEATURES_COUNT_MS = 86_400_000;
/** Of each kind; the rest are what a runner there finds out. */
const MAX_NAMED = 100;

/** Names of nodes. */
interface RestoreNodes {
  never: string[];
  /** Where it failed once: only where no other has room. */
  avoided: string[];
  preferred: { node: string; weight: number }[];
}

/**
 * The pod's affinity, narrowed to nodes on which the process may come back: of its architecture, and not known to be unable.
 * A node of which nothing is known may be new, made by an autoscaler for this pod: its runner compares before it restores
 * anything. What the operator's template demands stays demanded.
 */
export function withRestoreAffinity(
  affinity: V1Affinity | undefined,
  restore: RestoreRequest,
  now: number,
): V1Affinity {
  const { nodeAffinity } = affinity ?? {};
  const { never, avoided, preferred } = restoreNodes(restore, now);
  const arch = ARCHITECTURES[restore.features.arch] ?? restore.features.arch;
  const expressions = [{ key: "kubernetes.io/arch", operator: "In", values: [arch] }];
  // Terms are alternatives: each must demand the same.
  const asked = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const terms = asked.length === 0 ? [{}] : asked;
  return {
    ...affinity,
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((term) => narrowed(term, expressions, never.map(isNot))),
      },
      preferredDuringSchedulingIgnoredDuringExecution: [
        ...(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
        ...preferred.map(({ node, weight }) => ({ weight, preference: { matchFields: [is(node)] } })),
        ...(avoided.length === 0 ? [] : [{ weight: 100, preference: { matchFields: avoided.map(isNot) } }]),
      ],
    },
  };
}

/** Nodes that the pod never comes to. */
export function nodesRuledOut(restore: RestoreRequest, now: number): string[] {
  return restoreNodes(restore, now).never;
}

function restoreNodes({ features, refusedNodes, nodes }: RestoreRequest, now: number): RestoreNodes {
  const isUnable = (node: CheckpointNode) => {
    const age = now - node.seenAt.getTime();
    if (!node.works) return age < FAILURE_COUNTS_MS;
    return age < FEATURES_COUNT_MS && whyNotRestorableOn(features, node.features) !== undefined;
  };
  const newest = nodes.toSorted((a, b) => b.seenAt.getTime() - a.seenAt.getTime());
  const never = namesOf(newest.filter(isUnable));
  const avoided = refusedNodes.filter((node) => !never.includes(node)).slice(-MAX_NAMED);
  const isOpen = (node: string) => !never.includes(node) && !avoided.includes(node);
  const able = newest.filter((node) => node.works && whyNotRestorableOn(features, node.features) === undefined);
  const others = namesOf(able).filter((node) => node !== features.node && isOpen(node));
  return {
    never,
    avoided,
    preferred: [
      // It has the image, and nothing differs.
      ...(isOpen(features.node) ? [{ node: features.node, weight: 100 }] : []),
      ...others.map((node) => ({ node, weight: 50 })),
    ],
  };
}

function namesOf(nodes: CheckpointNode[]): string[] {
  return nodes.slice(0, MAX_NAMED).map(({ features }) => features.node);
}

function narrowed(
  { matchExpressions = [], matchFields = [] }: V1NodeSelectorTerm,
  expressions: V1NodeSelectorRequirement[],
  fields: V1NodeSelectorRequirement[],
): V1NodeSelectorTerm {
  const allFields = [...matchFields, ...fields];
  return {
    matchExpressions: [...matchExpressions, ...expressions],
    ...(allFields.length === 0 ? {} : { matchFields: allFields }),
  };
}

/** By its name itself: the label kubernetes.io/hostname may be another. Kubernetes takes one value each. */
const is = (node: string) => ({ key: "metadata.name", operator: "In", values: [node] });
const isNot = (node: string) => ({ key: "metadata.name", operator: "NotIn", values: [node] });
