import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { run } from "./shell.ts";

/** The few fields of pods and Jobs that tests look at. */
export interface Job {
  metadata: {
    name: string;
    creationTimestamp: string;
    labels: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec: { template: { spec: PodSpec } };
  status?: { active?: number; succeeded?: number; failed?: number };
}

export interface PodSpec {
  containers: {
    name: string;
    image: string;
    env?: { name: string; value?: string }[];
    resources: { requests: Record<string, string>; limits: Record<string, string> };
    securityContext?: Record<string, unknown>;
  }[];
  automountServiceAccountToken?: boolean;
  enableServiceLinks?: boolean;
  terminationGracePeriodSeconds?: number;
}

interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  state?: { running?: { startedAt: string }; terminated?: { startedAt: string } };
}

export interface Pod {
  metadata: { name: string; deletionTimestamp?: string; labels: Record<string, string> };
  spec: PodSpec;
  status: { phase: string; containerStatuses?: ContainerStatus[] };
}

/** kubectl on one namespace. */
export class Kubectl {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  run(...args: string[]): Promise<string> {
    return run("kubectl", ["--namespace", this.namespace, ...args]);
  }

  async get<T>(what: string, ...args: string[]): Promise<T> {
    return JSON.parse(await this.run("get", what, ...args, "--output", "json")) as T;
  }

  async list<T>(what: string, selector?: string): Promise<T[]> {
    const args = selector === undefined ? [] : ["--selector", selector];
    return (await this.get<{ items: T[] }>(what, ...args)).items;
  }

  jobsOf(runId: string): Promise<Job[]> {
    return this.list<Job>("jobs", `gantry.dev/run=${runId}`);
  }

  podsOf(runId: string): Promise<Pod[]> {
    return this.list<Pod>("pods", `gantry.dev/run=${runId}`);
  }

  /** Creates or changes objects; each a plain manifest. */
  async apply(...objects: object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
    await run("kubectl", ["--namespace", this.namespace, "apply", "--filename", "-"], { input });
  }

  /** Every change of the named objects from now on, until `stop`. */
  watch<T>(what: string, see: (event: { type: string; object: T }) => void): { stop(): void } {
    const args = ["--namespace", this.namespace, "get", what, "--watch", "--output-watch-events", "--output", "json"];
    const child: ChildProcess = spawn("kubectl", args, { stdio: ["ignore", "pipe", "inherit"] });
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).on("line", (line) =>
      see(JSON.parse(line) as { type: string; object: T }),
    );
    return { stop: () => void child.kill() };
  }
}
