import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { freshDatabase } from "../../faults/support/fresh-database.ts";
import { PlatformProcess } from "../../faults/support/platform-process.ts";
import { Kubectl } from "./kubectl.ts";
import { nodeAddress } from "./node-address.ts";
import { OutsideWorld } from "./outside-world.ts";
import { ClusterApi } from "./patience.ts";
import { run } from "./shell.ts";
import { deployStoredProject } from "./stored-project.ts";
import { StoredRuns } from "./stored-runs.ts";
import { WorkerProxy } from "./worker-proxy.ts";

type OnEnd = (end: () => void | Promise<void>) => void;
const REGISTRY = "localhost:5000";

export interface HostStageOptions {
  /** Begins the names of its namespaces: one that is being removed is of no use to the next stage. */
  name: string;
  /** Platform settings without their prefix, over those of a platform that stores processes. */
  settings?: Record<string, string | undefined>;
}

/**
 * A platform as a process of this machine, with its Jobs on the cluster, its database on this machine, and a proxy between
 * the two: so a test sees and changes every byte of what is stored, and of what is said.
 */
export interface HostStage {
  platform: PlatformProcess;
  proxy: WorkerProxy;
  runs: StoredRuns;
  /** Of Jobs whose processes cannot be stored. */
  ordinary: Kubectl;
  world: OutsideWorld;
  /** A statement in the platform's database. */
  query<T>(text: string, values?: unknown[]): Promise<T[]>;
  /** A run of the task with a name of its own in the outside world, which waits for a token of its own. */
  begin(task: string, payload?: object): Promise<{ run: string; name: string; token: string }>;
}

export async function hostStage({ name, settings = {} }: HostStageOptions, onEnd: OnEnd): Promise<HostStage> {
  const namespace = `${name}-${randomBytes(3).toString("hex")}`;
  const checkpoints = `${namespace}-checkpoints`;
  for (const each of [namespace, checkpoints]) {
    await run("kubectl", ["create", "namespace", each]);
    onEnd(() => run("kubectl", ["delete", "namespace", each, "--wait=false"]).then(() => undefined));
  }
  const folder = await mkdtemp(join(tmpdir(), "gantry-host-stage-"));
  onEnd(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, "effects"));
  const kubeconfig = join(folder, "kubeconfig");
  await writeFile(kubeconfig, await run("kubectl", ["config", "view", "--raw", "--flatten"]));
  const proxy = await WorkerProxy.open();
  onEnd(() => proxy.close());
  const databaseUrl = await freshDatabase(onEnd);
  const address = await nodeAddress();
  const all = {
    EXECUTOR: "kubernetes",
    KUBERNETES_KUBECONFIG: kubeconfig,
    KUBERNETES_NAMESPACE: namespace,
    KUBERNETES_FINISHED_TTL_MS: "10000",
    INTERNAL_URL: `http://${address}:${proxy.port}`,
    REGISTRY_PUSH_URL: `http://${REGISTRY}`,
    REGISTRY_PULL_URL: REGISTRY,
    WORKER_IMAGE: `${REGISTRY}/gantry/worker:dev`,
    CHECKPOINT_NAMESPACE: checkpoints,
    CHECKPOINT_WORKER_IMAGE: `${REGISTRY}/gantry/worker-checkpoints:dev`,
    ...settings,
  };
  const platform = await PlatformProcess.start({
    databaseUrl,
    project: { folder, effectsDir: join(folder, "effects") },
    settings: Object.fromEntries(
      Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined),
    ),
  });
  onEnd(() => platform.remove());
  proxy.upstream = platform.url;
  await deployStoredProject({ GANTRY_API_URL: platform.url, GANTRY_SECRET_KEY: platform.key });
  const world = await OutsideWorld.open(onEnd);
  const database = new Client({ connectionString: databaseUrl, options: "-c search_path=gantry" });
  await database.connect();
  database.on("error", () => undefined);
  onEnd(() => database.end());
  const runs = new StoredRuns(new ClusterApi(platform.url, platform.key), new Kubectl(checkpoints));
  return {
    platform,
    proxy,
    runs,
    ordinary: new Kubectl(namespace),
    world,
    query: async <T>(text: string, values: unknown[] = []) => (await database.query(text, values)).rows as T[],
    async begin(task, payload = {}) {
      const [name, token] = [crypto.randomUUID(), await runs.token()];
      return { run: await runs.api.trigger(task, { url: world.of(name), token, ...payload }), name, token };
    },
  };
}
