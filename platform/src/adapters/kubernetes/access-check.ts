import { KubeError } from "./kube-error.ts";
import type { RunsNamespace } from "./runs-namespace.ts";

/** What the platform does in a namespace of runs; the chart's Roles say the same. */
const NEEDED = [
  { group: "batch", resource: "jobs", verbs: ["create", "list", "watch", "delete"] },
  { group: "", resource: "pods", verbs: ["list", "watch", "delete"] },
  { group: "", resource: "events", verbs: ["list", "watch"] },
];

interface Review {
  status?: { allowed?: boolean };
}

/**
 * What is missing for runs to start, in words for the operator; undefined where nothing is.
 *
 * Errors: KubeError where the API cannot be asked at all.
 */
export async function accessProblem(
  namespace: RunsNamespace,
  setting: "KUBERNETES_NAMESPACE" | "CHECKPOINT_NAMESPACE",
): Promise<string | undefined> {
  const asked = NEEDED.flatMap(({ group, resource, verbs }) => verbs.map((verb) => ({ group, resource, verb })));
  const allowed = await Promise.all(asked.map((attributes) => isAllowed(namespace, attributes, namespace.name)));
  const missing = asked.filter((_, index) => !allowed[index]);
  if (missing.length > 0) {
    const may = missing.map(({ verb, resource, group }) => `${verb} ${resource}${group ? `.${group}` : ""}`).join(", ");
    return `The platform may not do this in the namespace "${namespace.name}": ${may}. Bind it to a Role with these verbs there (the chart makes one).`;
  }
  return (await exists(namespace))
    ? undefined
    : `The runs' namespace "${namespace.name}" does not exist. Make it, or name another with GANTRY_PLATFORM_${setting}.`;
}

/** Whether the sizes of nodes may be read: for telling a full cluster from one that is too small. */
export function mayListNodes(namespace: RunsNamespace): Promise<boolean> {
  return isAllowed(namespace, { group: "", resource: "nodes", verb: "list" }, undefined);
}

async function isAllowed(
  { api }: RunsNamespace,
  attributes: { group: string; resource: string; verb: string },
  namespace: string | undefined,
): Promise<boolean> {
  const review = await api.request<Review>("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {
    body: {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes: { ...attributes, ...(namespace && { namespace }) } },
    },
  });
  return review.status?.allowed === true;
}

/** A list in a namespace that does not exist is empty; only making something there tells. Nothing is made. */
async function exists(namespace: RunsNamespace): Promise<boolean> {
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { generateName: "gantry-access-check-" },
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "task", image: "none" }] } } },
  };
  try {
    await namespace.api.request("POST", namespace.path("jobs"), { query: { dryRun: "All" }, body: job });
  } catch (error) {
    // A quota's or a policy's refusal is the namespace's, which is thereby there.
    if (!(error instanceof KubeError) || error.isTransient) throw error;
    return error.status !== 404;
  }
  return true;
}
