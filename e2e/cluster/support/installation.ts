import { join, resolve } from "node:path";
import { Project } from "./gantry-cli.ts";
import { Kubectl } from "./kubectl.ts";
import { ClusterApi, eventually } from "./patience.ts";
import { run } from "./shell.ts";

const ROOT = resolve(import.meta.dirname, "../../..");

/** Helm's arguments that switch process checkpoints on. */
export const STORES_PROCESSES = ["--values", join(ROOT, "e2e/cluster/process-checkpoints.values.yaml")];

/** Where a release is, and what its bootstrap printed. Plain data: it travels from the global set-up to the tests. */
export interface Credentials {
  release: string;
  namespace: string;
  url: string;
  project: string;
  key: string;
  accessToken: string;
}

/** A Helm release of this repository's chart on the cluster that KUBECONFIG names. */
export class Installation {
  readonly release: string;
  readonly platform: Kubectl;
  readonly runs: Kubectl;
  /** Of Jobs whose processes can be stored, where that is switched on. */
  readonly checkpoints: Kubectl;

  constructor(release: string, namespace: string) {
    this.release = release;
    this.platform = new Kubectl(namespace);
    this.runs = new Kubectl(`${namespace}-runs`);
    this.checkpoints = new Kubectl(`${namespace}-checkpoints`);
  }

  get deployment(): string {
    return `deployment/${this.release.includes("gantry") ? this.release : `${this.release}-gantry`}`;
  }

  /** Installs or upgrades, and waits until it is ready. `chart` is the one of a checkout, with that one's values for the cluster. */
  async helm(values: string[], chart = join(ROOT, "charts/gantry")): Promise<void> {
    const files = [join(chart, "../../k8s/local/values.yaml"), join(ROOT, "e2e/cluster/values.yaml")];
    const args = [...files.flatMap((file) => ["--values", file]), ...values];
    const { namespace } = this.platform;
    const where = ["--namespace", namespace, "--create-namespace", "--wait", "--timeout", "4m"];
    await run("helm", ["upgrade", "--install", this.release, chart, ...where, ...args]);
  }

  async uninstall(): Promise<void> {
    const { namespace } = this.platform;
    await run("helm", ["uninstall", this.release, "--namespace", namespace, "--ignore-not-found", "--wait"]);
    const gone = [namespace, this.runs.namespace, this.checkpoints.namespace];
    await run("kubectl", ["delete", "namespace", ...gone, "--ignore-not-found", "--wait", "--timeout", "120s"]);
  }

  /** How this machine reaches the release's Service. Errors: it does not, or the platform does not answer. */
  async url(): Promise<string> {
    const name = this.deployment.split("/")[1] as string;
    const service = await this.platform.get<{ spec: { clusterIP: string; ports: { port: number }[] } }>(
      "service",
      name,
    );
    const url = `http://${service.spec.clusterIP}:${service.spec.ports[0]?.port}`;
    await eventually("an answer of the platform's Service", async () => {
      const reply = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2000) }).catch(() => undefined);
      return reply?.ok ? true : undefined;
    });
    return url;
  }

  /** The words of the chart's NOTES: a project, its key and an access token, shown once. */
  async bootstrap(project: string): Promise<Credentials> {
    const args = ["--project", project, "--json"];
    const printed = await this.platform.run("exec", this.deployment, "--", "gantry", "admin", "bootstrap", ...args);
    const { key, accessToken } = JSON.parse(printed) as { key: string; accessToken: string };
    const { release } = this;
    return { release, namespace: this.platform.namespace, url: await this.url(), project, key, accessToken };
  }
}

/** What a test file works with. */
export function using(credentials: Credentials) {
  const { release, namespace, url, key, accessToken } = credentials;
  const installation = new Installation(release, namespace);
  const api = new ClusterApi(url, key);
  const environment = { GANTRY_API_URL: url, GANTRY_ACCESS_TOKEN: accessToken };
  return {
    installation,
    api,
    jobs: installation.runs,
    project: (path: string) => Project.copy(path, environment),
    /** Resolves with the events of a run as soon as one's message fits. */
    untilEvent: (runId: string, fits: RegExp, withinMs?: number) =>
      eventually(
        `an event of ${runId} like ${fits}`,
        async () => {
          const { events } = await api.call<{ events: { message: string }[] }>("GET", `/api/v1/runs/${runId}/events`);
          return events.find(({ message }) => fits.test(message));
        },
        withinMs,
      ),
    untilPod: (runId: string, phase = "Running") =>
      eventually(`a pod of ${runId} that is ${phase}`, async () =>
        (await installation.runs.podsOf(runId)).find(
          (pod) => pod.status.phase === phase && pod.metadata.deletionTimestamp === undefined,
        ),
      ),
    /** Resolves when the task has said, by its metadata, that it works. */
    untilWorking: (runId: string) =>
      eventually(`${runId} works`, async () => {
        const { metadata } = await api.run(runId);
        return metadata?.pod as string | undefined;
      }),
  };
}
