import type { Deployed, Project } from "../../../e2e/cluster/support/gantry-cli.ts";
import { type Credentials, Installation, STORES_PROCESSES, using } from "../../../e2e/cluster/support/installation.ts";
import type { Api } from "../../../e2e/support/api.ts";
import { BareJobs } from "./bare-job.ts";
import { KubernetesApi } from "./kubernetes-api.ts";

const RELEASE = "gantry";
const NAMESPACE = "gantry-bench";

/** An installation of its own with one deployed project, and bare Jobs beside it that share its image and sizes. */
export interface ClusterBench {
  rounds: number;
  installation: Installation;
  credentials: Credentials;
  api: Api;
  kubernetes: KubernetesApi;
  project: Project;
  bare: BareJobs;
  /** The first deploy of the project, on an empty registry. */
  firstDeploy: Deployed;
  /** What a run of the project's task has, as `repository@digest` with the registry in front. */
  image: string;
}

export async function openClusterBench(rounds: number): Promise<ClusterBench & { close(): Promise<void> }> {
  const installation = new Installation(RELEASE, NAMESPACE);
  await installation.uninstall();
  await installation.helm(STORES_PROCESSES);
  const credentials = await installation.bootstrap("bench");
  const { api, project: copy, jobs } = using(credentials);
  const project = await copy("bench/cluster-project");
  const firstDeploy = await project.deploy();
  const kubernetes = await KubernetesApi.open();
  // The first run brings the image to the node, and shows what a run's container is.
  const runId = await api.trigger("first-line", {});
  const job = (await untilJob(() => jobs.jobsOf(runId))).spec.template.spec;
  await api.untilStatus(runId, "COMPLETED");
  const container = job.containers[0];
  if (container === undefined) throw new Error("the run's Job has no container");
  const { image, resources } = container;
  const bare = new BareJobs(kubernetes, jobs.namespace, { image, resources });
  return {
    rounds,
    installation,
    credentials,
    api,
    kubernetes,
    project,
    bare,
    firstDeploy,
    image,
    async close() {
      kubernetes.close();
      await project.remove();
      await installation.uninstall();
    },
  };
}

async function untilJob<T>(jobs: () => Promise<T[]>): Promise<T> {
  for (;;) {
    const [job] = await jobs();
    if (job !== undefined) return job;
  }
}
