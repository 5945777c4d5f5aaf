import type { V1PodSpec } from "@kubernetes/client-node";
import { type DeepMergeUtils, deepmergeCustom } from "deepmerge-ts";
import { z } from "zod";

const strings = z.record(z.string(), z.string());

/** A part of a PodTemplateSpec, as an operator writes it. What is in `spec` is Kubernetes' business: its API checks it. */
const podTemplateSchema = z.strictObject({
  metadata: z.strictObject({ labels: strings.optional(), annotations: strings.optional() }).optional(),
  spec: z.looseObject({ containers: z.array(z.looseObject({ name: z.string() })).optional() }).optional(),
});

/**
 * What the operator adds to the pods of runs: `default` to all, `presets` by machine preset, `named` where a task asks for
 * it; the later wins. A named template takes the place of its preset's.
 */
export const podTemplatesSchema = z.strictObject({
  default: podTemplateSchema.optional(),
  presets: z.record(z.string(), podTemplateSchema).optional(),
  named: z.record(z.string(), podTemplateSchema).optional(),
});
export type PodTemplates = z.infer<typeof podTemplatesSchema>;

export interface PodTemplate {
  metadata?: { labels?: Record<string, string>; annotations?: Record<string, string> } | undefined;
  spec?: Partial<V1PodSpec> | undefined;
}

/** The templates for one run, the weakest first; undefined where the one that its task names does not exist. */
export function templatesFor(
  templates: PodTemplates,
  preset: string,
  named: string | undefined,
): PodTemplate[] | undefined {
  const chosen = named === undefined ? templates.presets?.[preset] : templates.named?.[named];
  if (named !== undefined && chosen === undefined) return undefined;
  return [templates.default, chosen].filter((template) => template !== undefined) as PodTemplate[];
}

/** What tells the items of a list apart, as in Kubernetes' own strategic merge; lists that are not here are replaced. */
const IDENTITY: Record<string, string> = {
  containers: "name",
  initContainers: "name",
  env: "name",
  volumes: "name",
  volumeMounts: "mountPath",
  imagePullSecrets: "name",
  ports: "containerPort",
  tolerations: "key",
  topologySpreadConstraints: "topologyKey",
  hostAliases: "ip",
};
/** Items that have one source each: a second would contradict the first. */
const REPLACED_WHOLE = new Set(["env", "volumes"]);

type Item = Record<string, unknown>;

const merge = deepmergeCustom({
  mergeArrays(values, utils, meta) {
    const list = String(meta?.key);
    const identity = IDENTITY[list];
    const last = values.at(-1) ?? [];
    return identity === undefined ? last : mergeItems(values as unknown as Item[][], list, identity, utils);
  },
});

function mergeItems(lists: Item[][], list: string, identity: string, utils: DeepMergeUtils): Item[] {
  const merged = new Map<unknown, Item>();
  for (const item of lists.flat()) {
    const before = merged.get(item[identity]);
    const after = before === undefined || REPLACED_WHOLE.has(list) ? item : (utils.deepmerge(before, item) as Item);
    merged.set(item[identity], after);
  }
  return [...merged.values()];
}

/** Pods are laid over each other, the last on top: objects by field, lists of named things by their names. */
export function mergePods(pods: PodTemplate[]): PodTemplate {
  return merge(...pods) as PodTemplate;
}
