import type { ClusterSight } from "../../cluster/cluster-sight.ts";
import type { WorkerCredentials } from "../../cluster/credentials.ts";
import type { Executor, LaunchRequest } from "../../cluster/executor.ts";
import { jobManifest, jobName } from "../../cluster/job-manifest.ts";
import { type PodTemplate, type PodTemplates, templatesFor } from "../../cluster/pod-template.ts";
import { observeRefusal, refusalCode } from "../../cluster/refusal-policy.ts";
import type { WorkerObservation } from "../../cluster/worker-observations.ts";
import type { EnvironmentRef } from "../../projects/principal.ts";
import { lookAtCluster } from "./cluster-look.ts";
import { type Cluster, type ClusterOptions, connectCluster } from "./connected-cluster.ts";
import { ABANDON_GRACE_SECONDS } from "./job-janitor.ts";
import type { KeptNamespace } from "./kept-namespace.ts";
import { KubeError } from "./kube-error.ts";

export interface KubernetesExecutorOptions extends ClusterOptions {
  /** How pods reach the platform. Asked for at each launch, since the port may be found late. */
  platformUrl(): string;
  /** The registry as nodes reach it, without a scheme. */
  registry: string;
  templates: PodTemplates;
  credentials: Pick<WorkerCredentials, "issueBootstrapToken">;
}

/** A Job that was made so lately is there, whether a watch has shown it or not. */
const JUST_MADE_MS = 30_000;
const CONNECT_AGAIN_MS = 10_000;
/**
 * Workers as Kubernetes Jobs, one for each execution. Any replica launches; the leader alone watches, tells what it sees
 * and cleans up. Where the cluster cannot be reached, or refuses, the platform goes on and `problem` says why.
 *
 * A Job that may store its process is made in a namespace of its own. Where that one refuses it, a run starts in the
 * ordinary one, without, and is told so; a stored process waits for it.
 */
export class KubernetesExecutor implements Executor {
  readonly name = "kubernetes";
  readonly launchesEach = true;
  readonly #options: KubernetesExecutorOptions;
  readonly #justMade = new Map<string, number>();
  #cluster: Cluster | undefined;
  #epoch = 0;
  #unreadable: string | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: KubernetesExecutorOptions) {
    this.#options = options;
    options.leadership.onChange(() => this.#places().forEach((place) => place.follow()));
  }

  /** Why runs cannot start now, in words for the operator; undefined where nothing is known to be wrong. */
  get problem(): string | undefined {
    return this.#cluster === undefined
      ? (this.#unreadable ?? "The cluster has not been looked at yet.")
      : this.#cluster.runs.problem;
  }

  /** Why processes cannot be stored now, though that is switched on; other runs start all the same. */
  get checkpointProblem(): string | undefined {
    return this.#cluster?.checkpoints?.problem;
  }

  /** Looks whether everything that is needed is there and allowed, and begins to watch. Never rejects: it is tried again. */
  async start(): Promise<void> {
    clearTimeout(this.#connectTimer);
    try {
      this.#connect();
      this.#unreadable = undefined;
    } catch (error) {
      this.#unreadable = (error as Error).message;
      this.#options.log.error({ problem: this.#unreadable }, "runs cannot start on the cluster");
      if (!this.#isStopped) this.#connectTimer = setTimeout(() => void this.start(), CONNECT_AGAIN_MS).unref();
    }
    await Promise.all(this.#places().map((place) => place.check()));
  }

  async launch(requests: LaunchRequest[]): Promise<void> {
    const now = Date.now();
    for (const [executionId, madeAt] of this.#justMade)
      if (now - madeAt > JUST_MADE_MS) this.#justMade.delete(executionId);
    const isThere = (executionId: string) =>
      this.#justMade.has(executionId) || this.#places().some((place) => place.has(executionId));
    const missing = requests.filter(({ executionId }) => !isThere(executionId));
    const outcomes = await Promise.allSettled(missing.map((request) => this.#launch(request)));
    const undecided = outcomes.find(({ status }) => status === "rejected");
    if (undecided?.status === "rejected") throw undecided.reason;
  }

  async prepare(): Promise<void> {}

  async retire(): Promise<void> {}

  async abandon(executionId: string): Promise<void> {
    this.#connect();
    const places = this.#places();
    if (places.some((place) => place.hasEnded(executionId))) return;
    const knows = places.filter((place) => place.has(executionId));
    const from = knows.length > 0 ? knows : this.#openPlaces();
    await Promise.all(from.map(({ namespace }) => namespace.deleteExecution(executionId, ABANDON_GRACE_SECONDS)));
  }

  async look(environment: EnvironmentRef): Promise<ClusterSight> {
    const { nodes } = this.#connect();
    const namespaces = this.#openPlaces().map(({ namespace }) => namespace);
    return lookAtCluster(namespaces, environment, nodes.isAllowed);
  }

  /** Jobs are the cluster's: they go on, and the next leader finds them. `kill` removes those of this installation. */
  async stop(mode: "drain" | "kill" | "leave"): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#connectTimer);
    await Promise.all(this.#places().map((place) => place.stop()));
    if (mode === "kill") await Promise.all(this.#openPlaces().map((place) => place.clear()));
    this.#cluster?.api.close();
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
    if (request.restore !== undefined && this.#options.checkpoints === undefined)
      return this.#tell(executionId, { then: "requeue", code: "CHECKPOINTS_OFF", message: STORED_BUT_OFF });
    try {
      await this.#make(request, templates);
      this.#justMade.set(executionId, Date.now());
    } catch (error) {
      const isUndecided = error instanceof KubeError && error.isTransient;
      await this.#tell(executionId, observeRefusal({ isUndecided, message: (error as Error).message }));
      if (isUndecided) throw error;
    }
  }

  /** Errors: what the cluster says against it, or that the version has no image. */
  async #make(request: LaunchRequest, templates: PodTemplate[]): Promise<void> {
    const { runs, checkpoints } = this.#connect();
    if (checkpoints === undefined || !request.storesProcess) return this.#makeIn(runs, request, templates);
    if (request.restore !== undefined) return this.#makeIn(checkpoints, request, templates);
    const name = jobName(request.epoch, request.executionId);
    const known = checkpoints.refusal(Date.now());
    // Another replica may have found otherwise a moment ago.
    if (await (known === undefined ? runs : checkpoints).namespace.hasJob(name)) return;
    const refusal = known ?? (await this.#refusalOf(checkpoints, request, templates));
    if (refusal === undefined) return;
    const message = `It starts without: its process cannot be stored. ${refusal}`;
    await this.#tell(request.executionId, { then: "wait", code: "CHECKPOINTS_REFUSED", message });
    await this.#makeIn(runs, request, templates);
  }

  /** Undefined where the Job was made. Errors: what says nothing against the namespace itself. */
  async #refusalOf(
    place: KeptNamespace,
    request: LaunchRequest,
    templates: PodTemplate[],
  ): Promise<string | undefined> {
    try {
      await this.#makeIn(place, request, templates);
      return undefined;
    } catch (error) {
      if (!(error instanceof KubeError) || error.isTransient || refusalCode(error.message) === "QUOTA_EXCEEDED")
        throw error;
      place.refused(error.message);
      return error.message;
    }
  }

  async #makeIn(place: KeptNamespace, request: LaunchRequest, templates: PodTemplate[]): Promise<void> {
    const { instance, registry, platformUrl, credentials, checkpoints } = this.#options;
    const { deployment, executionId, startDeadlineAt } = request;
    const isRelaxed = place === this.#cluster?.checkpoints;
    const job = jobManifest(request, {
      namespace: place.namespace.name,
      instance,
      platformUrl: platformUrl(),
      registry,
      bootstrapToken: credentials.issueBootstrapToken({
        executionId,
        environmentId: deployment.environmentId,
        deploymentId: deployment.id,
        expiresAt: startDeadlineAt,
      }),
      templates,
      checkpoints: isRelaxed && checkpoints ? { nodeSelector: checkpoints.nodeSelector, now: Date.now() } : undefined,
    });
    await place.namespace.createJob(job);
  }

  async #tell(executionId: string, observation: WorkerObservation): Promise<void> {
    const { then, code, message } = observation;
    // While the cluster is away each launch is tried again and again; whoever launches says so for all of them.
    if (code !== "CLUSTER_UNREACHABLE")
      this.#options.log.warn({ executionId, then, code, reason: message }, "a Job could not be created");
    await this.#options.observations.observed(executionId, observation);
  }

  #connect(): Cluster {
    this.#cluster ??= connectCluster(this.#options, () => this.#epoch);
    return this.#cluster;
  }

  /** The runs' own first. */
  #places(): KeptNamespace[] {
    const { runs, checkpoints } = this.#cluster ?? {};
    return [runs, checkpoints].filter((place) => place !== undefined);
  }

  /** Less the one of checkpoints where it is not there, or not allowed: what is done in the other must not fail by it. */
  #openPlaces(): KeptNamespace[] {
    return this.#places().filter((place, index) => index === 0 || place.isOpen);
  }
}

const STORED_BUT_OFF =
  "The run's process is stored, and process checkpoints are switched off here (processCheckpoints.enabled of the chart): it waits for them, unless it may do without.";
