import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ClusterFixture, clusterFixture, KUBECONFIG, LONG } from "./cluster-fixture.ts";

describe.skipIf(KUBECONFIG === undefined)(
  "the Kubernetes executor, where something is wrong",
  { timeout: 300_000 },
  () => {
    let cluster: ClusterFixture;
    let dir: string;
    beforeEach(async () => {
      cluster = await clusterFixture();
      dir = await mkdtemp(join(tmpdir(), "gantry-kubeconfig-"));
    });
    afterEach(async () => {
      await cluster.remove();
      await rm(dir, { recursive: true, force: true });
    });

    /** The admin's kubeconfig with something else in it. */
    async function kubeconfig(change: (text: string) => string): Promise<string> {
      const file = join(dir, "kubeconfig");
      await writeFile(file, change(await readFile(KUBECONFIG as string, "utf8")));
      return file;
    }

    test("a kubeconfig that is not there is named, and launches wait", async () => {
      const executor = await cluster.executor({ kubeconfig: join(dir, "none") });
      expect(executor.problem).toContain(`${join(dir, "none")} cannot be read`);
      const request = cluster.request();
      await expect(executor.launch([request])).rejects.toThrow("cannot be read");
      expect(cluster.observations.of(request.executionId)).toMatchObject([
        { then: "wait", code: "CLUSTER_UNREACHABLE" },
      ]);
    });

    test("a kubeconfig that is no YAML is named", async () => {
      const executor = await cluster.executor({ kubeconfig: await kubeconfig(() => "{ clusters: [") });
      expect(executor.problem).toContain(`The kubeconfig ${join(dir, "kubeconfig")} cannot be read`);
    });

    test("an API that does not answer is named, and launches wait", async () => {
      const nowhere = await kubeconfig((text) => text.replaceAll(/https:\/\/[^"]+/g, "https://127.0.0.1:1"));
      const executor = await cluster.executor({ kubeconfig: nowhere });
      expect(executor.problem).toContain("The Kubernetes API at https://127.0.0.1:1 cannot be reached");
      const request = cluster.request();
      await expect(executor.launch([request])).rejects.toThrow("cannot be reached");
      expect(cluster.observations.of(request.executionId)).toMatchObject([
        { then: "wait", code: "CLUSTER_UNREACHABLE" },
      ]);
    });

    test("a token that the API does not know is said to be", async () => {
      const stranger = await kubeconfig((text) => text.replaceAll(/token: [^}\n]+/g, "token: nobody"));
      const executor = await cluster.executor({ kubeconfig: stranger });
      expect(executor.problem).toMatch(/Unauthorized/);
    });

    test("missing rights are told with their verbs, resources and namespace; a launch is queued again", async () => {
      const token = await serviceAccountToken(cluster);
      const executor = await cluster.executor({
        kubeconfig: await kubeconfig((text) => text.replaceAll(/token: [^}\n]+/g, `token: ${token}`)),
      });
      expect(executor.problem).toContain(`in the namespace "${cluster.name}": create jobs.batch, list jobs.batch`);
      const request = cluster.request();
      await executor.launch([request]);
      expect(cluster.observations.of(request.executionId)).toMatchObject([
        { then: "requeue", code: "CLUSTER_REFUSED", message: expect.stringContaining('cannot create resource "jobs"') },
      ]);
    });

    test("a namespace that does not exist is told; a launch is queued again", async () => {
      const executor = await cluster.executor({ namespace: "gantry-none" });
      expect(executor.problem).toBe(
        'The runs\' namespace "gantry-none" does not exist. Make it, or name another with GANTRY_PLATFORM_KUBERNETES_NAMESPACE.',
      );
      const request = cluster.request();
      await executor.launch([request]);
      expect(cluster.observations.of(request.executionId)).toMatchObject([
        { then: "requeue", code: "CLUSTER_REFUSED" },
      ]);
    });

    test("a template that the installation does not have is named", async () => {
      const executor = await cluster.executor();
      const request = cluster.request({ podTemplate: "gpu" });
      await executor.launch([request]);
      expect(cluster.observations.of(request.executionId)).toMatchObject([
        { then: "requeue", code: "CLUSTER_REFUSED", message: expect.stringContaining('"gpu"') },
      ]);
    });

    test("what happened while the API was away is told when it is back", async () => {
      const proxy = await TcpProxy.to(new URL(cluster.admin.config.getCurrentCluster()?.server ?? ""));
      try {
        const through = await kubeconfig((text) =>
          text.replaceAll(/https:\/\/[^"]+/g, `https://127.0.0.1:${proxy.port}`),
        );
        const executor = await cluster.executor({ kubeconfig: through });
        expect(executor.problem).toBeUndefined();
        const request = cluster.request();
        await executor.launch([request]);
        const pod = await cluster.running(request.executionId);
        proxy.cut();
        await cluster.admin.request("DELETE", cluster.runs.path("pods", pod), { body: { gracePeriodSeconds: 0 } });
        await expect
          .poll(() => cluster.pods().then((pods) => pods.map(({ metadata }) => metadata.name)), LONG)
          .not.toContain(pod);
        expect(cluster.observations.of(request.executionId)).toEqual([]);
        proxy.mend();
        const lost = await cluster.observed(request.executionId, "lose");
        expect(lost).toMatchObject({ code: "POD_DELETED" });
        expect(lost.ms).toBeLessThan(10_000);
      } finally {
        await proxy.close();
      }
    });

    test("a replica that becomes leader tells what it finds", async () => {
      const [follower, lead] = leadership();
      const executor = await cluster.executor({ leadership: follower });
      const request = cluster.request();
      await executor.launch([request]);
      const pod = await cluster.running(request.executionId);
      lead(true);
      await cluster.admin.request("DELETE", cluster.runs.path("pods", pod), { body: { gracePeriodSeconds: 0 } });
      expect(await cluster.observed(request.executionId, "lose")).toMatchObject({ code: "POD_DELETED" });
    });
  },
);

function leadership() {
  const listeners: ((isLeader: boolean) => void)[] = [];
  const state = {
    isLeader: false,
    onChange: (listener: (isLeader: boolean) => void) => void listeners.push(listener),
    async close() {},
  };
  const lead = (isLeader: boolean) => {
    state.isLeader = isLeader;
    for (const listener of listeners) listener(isLeader);
  };
  return [state, lead] as const;
}

/** Of the namespace's default service account, which may do nothing. */
async function serviceAccountToken({ admin, name }: ClusterFixture): Promise<string> {
  const body = {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: { audiences: [], expirationSeconds: 600 },
  };
  const path = `/api/v1/namespaces/${name}/serviceaccounts/default/token`;
  const { status } = await admin.request<{ status: { token: string } }>("POST", path, { body });
  return status.token;
}

/** Stands before the API server, and can drop every connection and refuse new ones. */
class TcpProxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #isCut = false;

  private constructor(target: URL) {
    this.#server = createServer((client) => {
      if (this.#isCut) return void client.destroy();
      const upstream = connect(Number(target.port), target.hostname);
      for (const [one, other] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }

  static async to(target: URL): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
