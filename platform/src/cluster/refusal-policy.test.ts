import { expect, test } from "vitest";
import { observeRefusal } from "./refusal-policy.ts";

const CASES: Record<string, { message: string; isUndecided?: boolean; want: [string, string] }> = {
  "a quota on Jobs": {
    message: 'jobs.batch "gantry-1-x" is forbidden: exceeded quota: runs, requested: count/jobs.batch=1',
    want: ["requeue", "QUOTA_EXCEEDED"],
  },
  "a webhook's denial": {
    message: 'admission webhook "jobs.policy.example" denied the request: no owner',
    want: ["requeue", "ADMISSION_DENIED"],
  },
  "a policy's denial": {
    message: "ValidatingAdmissionPolicy 'owners' with binding 'b' denied request: no owner",
    want: ["requeue", "ADMISSION_DENIED"],
  },
  "a verb that is not allowed": {
    message: 'jobs.batch is forbidden: User "gantry" cannot create resource "jobs" in API group "batch"',
    want: ["requeue", "CLUSTER_REFUSED"],
  },
  "a namespace that does not exist": { message: 'namespaces "runs" not found', want: ["requeue", "CLUSTER_REFUSED"] },
  "a template that Kubernetes does not take": {
    message: "Job.batch is invalid: spec.template.spec.containers[0].image: Required value",
    want: ["requeue", "CLUSTER_REFUSED"],
  },
  "no answer": { message: "connect ECONNREFUSED", isUndecided: true, want: ["wait", "CLUSTER_UNREACHABLE"] },
};

for (const [title, { message, isUndecided = false, want }] of Object.entries(CASES)) {
  test(`a Job that could not be created: ${title}`, () => {
    const { then, code } = observeRefusal({ message, isUndecided });
    expect([then, code]).toEqual(want);
  });
}
