import type { NodeSize } from "../../cluster/cluster-facts.ts";
import type { ClusterSight } from "../../cluster/cluster-sight.ts";
import type { WorkerCredentials } from "../../cluster/credentials.ts";
import type { Executor, LaunchRequest } from "../../cluster/executor.ts";
import { jobManifest } from "../../cluster/job-manifest.ts";
import type { OutcomeLimits } from "../../cluster/job-outcome-policy.ts";
import type { Leadership } from "../../cluster/leadership.ts";
import { type PodTemplates, templatesFor } from "../../cluster/pod-template.ts";
import { observeRefusal } from "../../cluster/refusal-policy.ts";
import type { WorkerObservation, WorkerObservations } from "../../cluster/worker-observations.ts";
import type { Logger } from "../../logging.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { accessProblem, mayListNodes } from "./access-check.ts";
import { lookAtCluster } from "./cluster-look.ts";
import { ABANDON_GRACE_SECONDS } from "./job-janitor.ts";
import { JobKeeper } from "./job-keeper.ts";
import { KubeApi } from "./kube-api.ts";
import { loadKubeConfig } from "./kube-config.ts";
import { KubeError } from "./kube-error.ts";
import { NodeSizes } from "./node-sizes.ts";
import { RunsNamespace } from "./runs-namespace.ts";

export interface KubernetesExecutorOptions {
  /** The runs' namespace; never the platform's own. */
  namespace: string;
  /** Undefined is the pod's service account, KUBECONFIG or ~/.kube/config. */
  kubeconfig?: string | undefined;
  /** See JobSettings. */
  instance: string;
  /** How pods reach the platform. Asked for at each launch, since the port may be found late. */
  platformUrl(): string;
  /** The registry as nodes reach it, without a scheme. */
  registry: string;
  templates: PodTemplates;
  limits: OutcomeLimits;
  /** What the largest node can give to one pod; undefined looks at nodes, where that is allowed. */
  largestNode?: NodeSize | undefined;
  /** Milliseconds that a Job stays after its end, and after a failed one. */
  finishedTtlMs: number;
  failedTtlMs: number;
  /** Requests to the Kubernetes API a second. */
  qps: number;
  credentials: Pick<WorkerCredentials, "issueBootstrapToken">;
  observations: WorkerObservations;
  leadership: Leadership;
  log: Logger;
}

/** A Job that was made so lately is there, whether a watch has shown it or not. */
const JUST_MADE_MS = 30_000;
const CHECK_AGAIN_MS = 10_000;

/**
 * Workers as Kubernetes Jobs, one for each execution. Any replica launches; the leader alone watches, tells what it sees
 * and cleans up. Where the cluster cannot be reached, or refuses, the platform goes on and `problem` says why.
 */
export class KubernetesExecutor implements Executor {
  readonly name = "kubernetes";
  readonly launchesEach = true;
  readonly #options: KubernetesExecutorOptions;
  readonly #justMade = new Map<string, number>();
  #cluster: { api: KubeApi; namespace: RunsNamespace; keeper: JobKeeper; nodes: NodeSizes } | undefined;
  #epoch = 0;
  #problem: string | undefined = "The cluster has not been looked at yet.";
  #checkTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: KubernetesExecutorOptions) {
    this.#options = options;
    options.leadership.onChange(() => this.#follow());
  }

  /** Why runs cannot start now, in words for the operator; undefined where nothing is known to be wrong. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Looks whether everything that is needed is there and allowed, and begins to watch. Never rejects: it is tried again. */
  async start(): Promise<void> {
    clearTimeout(this.#checkTimer);
    try {
      const { namespace, nodes } = this.#connect();
      this.#setProblem(await accessProblem(namespace));
      nodes.isAllowed = await mayListNodes(namespace);
    } catch (error) {
      this.#setProblem((error as Error).message);
    }
    if (this.#isStopped) return;
    if (this.#problem === undefined) this.#follow();
    else this.#checkTimer = setTimeout(() => void this.start(), CHECK_AGAIN_MS).unref();
  }

  async launch(requests: LaunchRequest[]): Promise<void> {
    const now = Date.now();
    for (const [executionId, madeAt] of this.#justMade)
      if (now - madeAt > JUST_MADE_MS) this.#justMade.delete(executionId);
    const missing = requests.filter(
      ({ executionId }) => !this.#justMade.has(executionId) && !this.#cluster?.keeper.has(executionId),
    );
    const outcomes = await Promise.allSettled(missing.map((request) => this.#launch(request)));
    const undecided = outcomes.find(({ status }) => status === "rejected");
    if (undecided?.status === "rejected") throw undecided.reason;
  }

  async prepare(): Promise<void> {}

  async retire(): Promise<void> {}

  async abandon(executionId: string): Promise<void> {
    if (this.#cluster?.keeper.hasEnded(executionId)) return;
    await this.#connect().namespace.deleteExecution(executionId, ABANDON_GRACE_SECONDS);
  }

  async look(environment: EnvironmentRef): Promise<ClusterSight> {
    const { namespace, nodes } = this.#connect();
    return lookAtCluster(namespace, environment, nodes.isAllowed);
  }

  /** Jobs are the cluster's: they go on, and the next leader finds them. `kill` removes those of this installation. */
  async stop(mode: "drain" | "kill" | "leave"): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#checkTimer);
    const cluster = this.#cluster;
    if (cluster === undefined) return;
    await cluster.keeper.stop();
    if (mode === "kill") {
      const { items } = await cluster.namespace.listJobs();
      await Promise.all(items.map(({ metadata }) => cluster.namespace.deleteJob(metadata.name)));
    }
    cluster.api.close();
  }

  /** Errors: where nothing was decided; there is no Job then, and it is to be launched again. */
  async #launch(request: LaunchRequest): Promise<void> {
    const { executionId } = request;
    this.#epoch = Math.max(this.#epoch, request.epoch);
    const templates = templatesFor(this.#options.templates, request.machine.name, request.podTemplate);
    if (templates === undefined) {
      const message = `The task ${request.taskId} asks for the pod template "${request.podTemplate}", which this installation does not have.`;
      return this.#tell(executionId, { then: "requeue", code: "CLUSTER_REFUSED", message });
    }
    try {
      const { namespace } = this.#connect();
      const { environmentId, id: deploymentId } = request.deployment;
      const expiresAt = request.startDeadlineAt;
      const bootstrapToken = this.#options.credentials.issueBootstrapToken({
        executionId,
        environmentId,
        deploymentId,
        expiresAt,
      });
      const { instance, registry, platformUrl } = this.#options;
      await namespace.createJob(
        jobManifest(request, {
          namespace: namespace.name,
          instance,
          platformUrl: platformUrl(),
          registry,
          bootstrapToken,
          templates,
        }),
      );
      this.#justMade.set(executionId, Date.now());
    } catch (error) {
      const isUndecided = error instanceof KubeError && error.isTransient;
      await this.#tell(executionId, observeRefusal({ isUndecided, message: (error as Error).message }));
      if (isUndecided) throw error;
    }
  }

  async #tell(executionId: string, observation: WorkerObservation): Promise<void> {
    const { then, code, message } = observation;
    // While the cluster is away each launch is tried again and again; whoever launches says so for all of them.
    if (then !== "wait")
      this.#options.log.warn({ executionId, then, code, reason: message }, "a Job could not be created");
    await this.#options.observations.observed(executionId, observation);
  }

  #connect() {
    if (this.#cluster !== undefined) return this.#cluster;
    const { kubeconfig, qps, instance, largestNode, log } = this.#options;
    const api = new KubeApi(loadKubeConfig(kubeconfig), qps);
    const namespace = new RunsNamespace(api, this.#options.namespace, instance);
    const nodes = new NodeSizes(largestNode, namespace, log);
    const keeper = new JobKeeper({
      ...this.#options,
      namespace,
      nodes,
      epoch: () => this.#epoch,
      reached: () => this.#setProblem(undefined),
      failed: (what) => this.#setProblem(what),
    });
    this.#cluster = { api, namespace, keeper, nodes };
    return this.#cluster;
  }

  #follow(): void {
    if (this.#isStopped || this.#cluster === undefined) return;
    const { keeper } = this.#cluster;
    if (this.#options.leadership.isLeader) keeper.start();
    else void keeper.stop();
  }

  #setProblem(problem: string | undefined): void {
    if (problem === this.#problem) return;
    const { log, namespace } = this.#options;
    if (problem !== undefined) log.error({ namespace, problem }, "runs cannot start on the cluster");
    else log.info({ namespace }, "the cluster is ready for runs");
    this.#problem = problem;
  }
}
