import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesApi } from "./kubernetes-api.ts";

/** What a bare Job has in common with a run's: nothing else is. */
export interface BareJobOf {
  image: string;
  resources: object;
  imagePullSecrets?: object[];
}

const LABEL = "bench.gantry.dev/bare";

/** A Job that says when its first line ran. */
export function bareJob(name: string, { image, resources, imagePullSecrets }: BareJobOf): object {
  const command = ["node", "-e", "console.log(Date.now())"];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, labels: { [LABEL]: "yes" } },
    spec: {
      backoffLimit: 0,
      template: {
        metadata: { labels: { [LABEL]: "yes" } },
        spec: {
          restartPolicy: "Never",
          automountServiceAccountToken: false,
          ...(imagePullSecrets === undefined ? {} : { imagePullSecrets }),
          containers: [{ name: "bare", image, command, resources, imagePullPolicy: "IfNotPresent" }],
        },
      },
    },
  };
}

interface Jobs {
  items: { metadata: { name: string }; status?: { succeeded?: number } }[];
}
interface Pods {
  items: { metadata: { name: string; labels: Record<string, string> } }[];
}

/** Bare Jobs in one namespace. */
export class BareJobs {
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #of: BareJobOf;
  #count = 0;

  constructor(api: KubernetesApi, namespace: string, of: BareJobOf) {
    this.#api = api;
    this.#namespace = namespace;
    this.#of = of;
  }

  async create(): Promise<string> {
    const name = `bare-${process.pid}-${this.#count++}`;
    await this.#api.request("POST", `/apis/batch/v1/namespaces/${this.#namespace}/jobs`, bareJob(name, this.#of));
    return name;
  }

  async untilDone(names: readonly string[]): Promise<void> {
    const path = `/apis/batch/v1/namespaces/${this.#namespace}/jobs?labelSelector=${LABEL}%3Dyes`;
    for (;;) {
      const { items } = await this.#api.request<Jobs>("GET", path);
      const done = new Set(items.filter((job) => job.status?.succeeded === 1).map((job) => job.metadata.name));
      if (names.every((name) => done.has(name))) return;
      await delay(50);
    }
  }

  /** Milliseconds since the epoch at which the Job's first line ran. */
  async firstLineAt(name: string): Promise<number> {
    const pods = `/api/v1/namespaces/${this.#namespace}/pods`;
    const { items } = await this.#api.request<Pods>("GET", `${pods}?labelSelector=job-name%3D${name}`);
    return Number(await this.#api.request<string>("GET", `${pods}/${items[0]?.metadata.name}/log`));
  }

  async removeAll(): Promise<void> {
    const path = `/apis/batch/v1/namespaces/${this.#namespace}/jobs?labelSelector=${LABEL}%3Dyes`;
    await this.#api.request("DELETE", path, { propagationPolicy: "Background" });
  }
}
