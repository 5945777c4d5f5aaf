import type { ObservationCode, WorkerObservation } from "./worker-observations.ts";

/**
 * Why the Kubernetes API refused to create a Job or its pod: the same words come as the answer to us and in the Events of
 * the Job controller. Undefined where the message says nothing of the kind.
 */
export function refusalCode(message: string): ObservationCode | undefined {
  return REFUSALS.find(([pattern]) => pattern.test(message))?.[1];
}

const REFUSALS: [RegExp, ObservationCode][] = [
  [/exceeded quota|failed quota|insufficient quota/i, "QUOTA_EXCEEDED"],
  [/violates PodSecurity|pod security policy|PodSecurityPolicy|security context constraint/i, "POD_SECURITY_DENIED"],
  [
    /admission webhook|calling webhook|ValidatingAdmissionPolicy|denied the request|denied request/i,
    "ADMISSION_DENIED",
  ],
  [/(maximum|minimum) \S+ usage per|limit to request ratio/i, "ADMISSION_DENIED"],
];

/**
 * What follows for a run whose Job could not be created. `isUndecided`: there was no answer, or none about the request; the
 * launch is tried again. A refusal queues the run again, and never fails it: it is the operator's to lift.
 */
export function observeRefusal({ isUndecided, message }: { isUndecided: boolean; message: string }): WorkerObservation {
  if (isUndecided) return { then: "wait", code: "CLUSTER_UNREACHABLE", message };
  return { then: "requeue", code: refusalCode(message) ?? "CLUSTER_REFUSED", message };
}
