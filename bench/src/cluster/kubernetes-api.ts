import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

/** The cluster's API over `kubectl proxy`: plain requests, so that a bare Job costs no start of kubectl. */
export class KubernetesApi {
  readonly #proxy: ChildProcess;
  readonly #url: string;

  private constructor(proxy: ChildProcess, url: string) {
    this.#proxy = proxy;
    this.#url = url;
  }

  static async open(): Promise<KubernetesApi> {
    const proxy = spawn("kubectl", ["proxy", "--port=0"], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(proxy.stdout as NodeJS.ReadableStream, "data")) as [Buffer];
    const port = /:(\d+)\s*$/.exec(String(line))?.[1];
    if (port === undefined) throw new Error(`kubectl proxy said: ${String(line)}`);
    return new KubernetesApi(proxy, `http://127.0.0.1:${port}`);
  }

  async request<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await fetch(this.#url + path, {
      method,
      headers: { "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await reply.text();
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
    return (text.startsWith("{") ? JSON.parse(text) : text) as T;
  }

  close(): void {
    this.#proxy.kill();
  }
}
