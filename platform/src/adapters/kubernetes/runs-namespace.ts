import type { V1Job } from "@kubernetes/client-node";
import type { JobObject, NodeSize, PodObject } from "../../cluster/cluster-facts.ts";
import { EXECUTION_LABEL, MANAGED_LABEL } from "../../cluster/job-manifest.ts";
import { parseQuantities } from "../../cluster/resource-quantity.ts";
import type { KubeApi } from "./kube-api.ts";
import { KubeError } from "./kube-error.ts";
import { slimJob, slimPod } from "./slim-objects.ts";

interface List<T> {
  metadata: { resourceVersion?: string };
  items: T[];
}

/** What our jobs and pods are worth among requests that wait for their turn. */
const PRIORITY = { create: 10, abandon: 5, list: 3, cleanUp: 0 } as const;

/** The requests that are made of a namespace of runs, and nothing outside it but a look at nodes. */
export class RunsNamespace {
  readonly name: string;
  readonly selector: string;
  readonly api: KubeApi;

  constructor(api: KubeApi, name: string, instance: string) {
    this.api = api;
    this.name = name;
    this.selector = `${MANAGED_LABEL}=${instance}`;
  }

  path(kind: "jobs" | "pods" | "events", name?: string): string {
    const group = kind === "jobs" ? "/apis/batch/v1" : "/api/v1";
    return `${group}/namespaces/${this.name}/${kind}${name === undefined ? "" : `/${name}`}`;
  }

  /** True where it was made, false where it was there before. */
  async createJob(job: V1Job): Promise<boolean> {
    try {
      await this.api.request("POST", this.path("jobs"), { body: job, priority: PRIORITY.create });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.reason === "AlreadyExists") return false;
      throw error;
    }
  }

  /** Whether it is there; where that may not be asked, it is taken not to be. */
  async hasJob(name: string): Promise<boolean> {
    try {
      await this.api.request("GET", this.path("jobs", name), { priority: PRIORITY.create });
      return true;
    } catch (error) {
      if (error instanceof KubeError && (error.status === 404 || error.status === 403)) return false;
      throw error;
    }
  }

  /** Its pods go by the cluster's own hand, with the grace that they have. */
  async deleteJob(name: string): Promise<void> {
    await this.#delete(this.path("jobs", name), { propagationPolicy: "Background" }, PRIORITY.cleanUp);
  }

  /** The Job first, so that no other pod is made; then its pods, with a grace of their own. */
  async deleteExecution(executionId: string, graceSeconds: number): Promise<void> {
    const labelSelector = `${this.selector},${EXECUTION_LABEL}=${executionId}`;
    const [jobs, pods] = await Promise.all([this.listJobs(labelSelector), this.listPods(labelSelector)]);
    const background = { propagationPolicy: "Background" };
    for (const { metadata } of jobs.items)
      await this.#delete(this.path("jobs", metadata.name), background, PRIORITY.abandon);
    for (const { metadata } of pods.items)
      await this.#delete(this.path("pods", metadata.name), { gracePeriodSeconds: graceSeconds }, PRIORITY.abandon);
  }

  async listJobs(labelSelector: string = this.selector): Promise<List<JobObject>> {
    const list = await this.#list<JobObject>("jobs", { labelSelector });
    return { ...list, items: list.items.map(slimJob) };
  }

  async listPods(labelSelector: string = this.selector): Promise<List<PodObject>> {
    const list = await this.#list<PodObject>("pods", { labelSelector });
    return { ...list, items: list.items.map(slimPod) };
  }

  listEvents<T>(fieldSelector: string): Promise<List<T>> {
    return this.#list<T>("events", { fieldSelector });
  }

  /** What every node can give to pods. */
  async nodeSizes(): Promise<NodeSize[]> {
    const query = { resourceVersion: "0" };
    const nodes = await this.api.request<List<{ status?: { allocatable?: Record<string, string> } }>>(
      "GET",
      "/api/v1/nodes",
      { query, priority: PRIORITY.list },
    );
    return nodes.items.map(({ status }) => parseQuantities(status?.allocatable));
  }

  #list<T>(kind: "jobs" | "pods" | "events", query: Record<string, string>): Promise<List<T>> {
    return this.api.request<List<T>>("GET", this.path(kind), { query, priority: PRIORITY.list });
  }

  async #delete(path: string, body: object, priority: number): Promise<void> {
    try {
      await this.api.request("DELETE", path, { body, priority });
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 404) throw error;
    }
  }
}
