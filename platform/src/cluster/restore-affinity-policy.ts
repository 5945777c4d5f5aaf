import { type NodeFeatures, whyNotRestorableOn } from "@gantry/sdk/contract";
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
const MAX_EXPLAINED = 3;
const MAX_EXPLANATION = 500;

/** Names of nodes. */
interface RestoreNodes {
  never: { node: string; why: string }[];
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
  affinity: Partial<V1Affinity> | undefined,
  restore: RestoreRequest,
  now: number,
): V1Affinity {
  const { nodeAffinity } = affinity ?? {};
  const { never, avoided, preferred } = restoreNodes(restore, now);
  const arch = ARCHITECTURES[restore.features.arch] ?? restore.features.arch;
  const ruledOut = never.map(({ node }) => isNot(node));
  const expressions = [{ key: "kubernetes.io/arch", operator: "In", values: [arch] }];
  // Terms are alternatives: each must demand the same.
  const asked = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  const terms = asked.length === 0 ? [{}] : asked;
  return {
    ...affinity,
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: terms.map((term) => narrowed(term, expressions, ruledOut)),
      },
      preferredDuringSchedulingIgnoredDuringExecution: [
        ...(nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []),
        ...preferred.map(({ node, weight }) => ({ weight, preference: { matchFields: [is(node)] } })),
        ...(avoided.length === 0 ? [] : [{ weight: 100, preference: { matchFields: avoided.map(isNot) } }]),
      ],
    },
  };
}

/** How many nodes the pod never comes to, and why not to some of them: `2: the processor of node-a lacks avx512f; …`. */
export function nodesRuledOut(restore: RestoreRequest, now: number): string {
  const { never } = restoreNodes(restore, now);
  const told = never.slice(0, MAX_EXPLAINED).map(({ why }) => why);
  return `${never.length}: ${told.join("; ").slice(0, MAX_EXPLANATION)}${never.length > told.length ? "; …" : ""}`;
}

function restoreNodes({ features, refusedNodes, nodes }: RestoreRequest, now: number): RestoreNodes {
  const newest = nodes.toSorted((a, b) => b.seenAt.getTime() - a.seenAt.getTime());
  const unable = newest.flatMap((node) => {
    const why = whyUnable(features, node, now);
    return why === undefined ? [] : [{ node: node.features.node, why }];
  });
  const never = unable.slice(0, MAX_NAMED);
  const isNever = (name: string) => never.some(({ node }) => node === name);
  const avoided = refusedNodes.filter((node) => !isNever(node)).slice(-MAX_NAMED);
  const isOpen = (node: string) => !isNever(node) && !avoided.includes(node);
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

/** As far as what is known of it still counts. */
function whyUnable(stored: NodeFeatures, { features, works, reason, seenAt }: CheckpointNode, now: number) {
  const age = now - seenAt.getTime();
  if (!works && age < FAILURE_COUNTS_MS) return `${features.node}: ${reason ?? "it does not work there"}`;
  return age < FEATURES_COUNT_MS ? whyNotRestorableOn(stored, features) : undefined;
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
