import type { ContainerStatus, JobObject, ObjectMeta, PodObject } from "../../cluster/cluster-facts.ts";
import { RULED_OUT_ANNOTATION } from "../../cluster/job-manifest.ts";

/**
 * Objects as the API sends them carry 10 KB of specs and field managers; thousands of them are kept. Only what the
 * policies read is.
 */
export function slimJob({ metadata, status }: JobObject): JobObject {
  return {
    metadata: slimMeta(metadata),
    ...(status && { status: pick(status, ["active", "succeeded", "failed", "conditions"]) }),
  };
}

export function slimPod({ metadata, spec, status }: PodObject): PodObject {
  return {
    metadata: slimMeta(metadata),
    ...(spec && {
      spec: {
        ...pick(spec, ["nodeName"]),
        containers: (spec.containers ?? []).map(({ name, resources }) => ({ name, ...(resources && { resources }) })),
        initContainers: (spec.initContainers ?? []).map((container) =>
          pick(container, ["name", "restartPolicy", "resources"]),
        ),
      },
    }),
    ...(status && {
      status: {
        ...pick(status, ["phase", "reason", "message", "conditions"]),
        ...(status.containerStatuses && { containerStatuses: status.containerStatuses.map(slimStatus) }),
        ...(status.initContainerStatuses && { initContainerStatuses: status.initContainerStatuses.map(slimStatus) }),
      },
    }),
  };
}

/** An Event of core/v1, as far as it is read. */
export interface EventObject {
  metadata: ObjectMeta;
  involvedObject: { kind?: string; name?: string };
  reason?: string;
  message?: string;
  lastTimestamp?: string | null;
  eventTime?: string | null;
}

export function slimEvent(event: EventObject): EventObject {
  return {
    metadata: slimMeta(event.metadata),
    involvedObject: pick(event.involvedObject, ["kind", "name"]),
    ...pick(event, ["reason", "message", "lastTimestamp", "eventTime"]),
  };
}

function slimMeta(metadata: ObjectMeta): ObjectMeta {
  const ruledOut = metadata.annotations?.[RULED_OUT_ANNOTATION];
  return {
    ...pick(metadata, ["name", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"]),
    ...(ruledOut !== undefined && { annotations: { [RULED_OUT_ANNOTATION]: ruledOut } }),
  };
}

function slimStatus(status: ContainerStatus): ContainerStatus {
  return pick(status, ["name", "state"]);
}

function pick<T extends object, K extends keyof T>(from: T, keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]])) as Pick<T, K>;
}
