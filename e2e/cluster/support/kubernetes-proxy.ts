import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/**
 * What happens to the next creation of a Job: `pass`; `withhold` before the cluster hears of it; `silence`, where the
 * cluster carries it out and the answer never comes.
 */
export type JobCreation = "pass" | "withhold" | "silence";

/** The cluster's API between a platform and the cluster, over `kubectl proxy`, so that a test decides when a Job is made. */
export class KubernetesProxy {
  readonly #kubectl: ChildProcess;
  readonly #server: Server;
  readonly #upstream: number;
  #next: JobCreation = "pass";
  #met: () => void = () => undefined;

  private constructor(kubectl: ChildProcess, upstream: number) {
    this.#kubectl = kubectl;
    this.#upstream = upstream;
    this.#server = createServer((incoming, answer) => this.#serve(incoming, answer));
  }

  static async open(): Promise<KubernetesProxy> {
    const kubectl = spawn("kubectl", ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(kubectl.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    const proxy = new KubernetesProxy(kubectl, Number(/:(\d+)\s*$/.exec(String(line))?.[1]));
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  /** A kubeconfig, as JSON, which is YAML too. */
  get kubeconfig(): string {
    const server = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "proxy", // Plain HTTP on loopback; the client wants to hear that this is meant.
          cluster: { server, "insecure-skip-tls-verify": true },
        },
      ],
      users: [{ name: "proxy", user: {} }],
      contexts: [{ name: "proxy", context: { cluster: "proxy", user: "proxy" } }],
      "current-context": "proxy",
    });
  }

  /** Resolves once a creation has met this fate; those after it pass. */
  meet(fate: Exclude<JobCreation, "pass">): Promise<void> {
    this.#next = fate;
    return new Promise((resolve) => {
      this.#met = resolve;
    });
  }

  async close(): Promise<void> {
    this.#kubectl.kill();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  #serve(incoming: IncomingMessage, answer: ServerResponse): void {
    const isCreation = incoming.method === "POST" && /\/jobs(\?|$)/.test(incoming.url ?? "");
    const fate = isCreation ? this.#next : "pass";
    if (isCreation) this.#next = "pass";
    if (fate === "withhold") return this.#met();
    const { method, url, headers } = incoming;
    const host = `127.0.0.1:${this.#upstream}`;
    const outgoing = request(
      { host: "127.0.0.1", port: this.#upstream, method, path: url, headers: { ...headers, host } },
      (reply) => {
        if (fate === "silence") {
          reply.resume();
          return void reply.on("end", () => this.#met());
        }
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      },
    );
    outgoing.on("error", () => answer.destroy());
    answer.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  }
}
