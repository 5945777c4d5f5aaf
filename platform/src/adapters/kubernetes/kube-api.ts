import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import type { KubeConfig } from "@kubernetes/client-node";
import PQueue from "p-queue";
import { KubeError, kubeError } from "./kube-error.ts";

export interface KubeRequest {
  query?: Record<string, string | undefined>;
  body?: unknown;
  /** Higher first; creating Jobs comes before cleaning up. */
  priority?: number;
}

const CONNECTIONS = 16;
const TIMEOUT_MS = 15_000;
const TRIES = 4;
const FIRST_BACK_OFF_MS = 200;
const MAX_RETRY_AFTER_MS = 10_000;

/**
 * Requests to the Kubernetes API: authenticated as the kubeconfig says, over few kept connections, no more a second than
 * is allowed. A 429 holds everything back for as long as it says; what may be asked again is, a few times.
 *
 * The library's own client opens a connection for every request and makes classes of every answer, hence this one.
 */
export class KubeApi {
  readonly config: KubeConfig;
  readonly #queue: PQueue;
  readonly #agents = {
    http: new HttpAgent({ keepAlive: true, maxSockets: CONNECTIONS }),
    https: new HttpsAgent({ keepAlive: true, maxSockets: CONNECTIONS }),
  };
  #heldUntil = 0;
  #isClosed = false;

  constructor(config: KubeConfig, qps: number) {
    this.config = config;
    this.#queue = new PQueue({ concurrency: CONNECTIONS, interval: 1000, intervalCap: qps });
  }

  /** Errors: KubeError. */
  async request<T>(method: string, path: string, request: KubeRequest = {}): Promise<T> {
    for (let tried = 1; ; tried++) {
      try {
        return await this.#queue.add(() => this.#send<T>(method, path, request), { priority: request.priority ?? 0 });
      } catch (error) {
        // What waited for its turn was never asked, what was on its way may have been heard: nothing is known of either.
        if (this.#isClosed) throw new KubeError(0, "", "The platform is stopping.");
        if (!(error instanceof KubeError) || !error.isTransient || tried >= TRIES) throw error;
        await pause(this.#backOff(error, tried));
      }
    }
  }

  /** What is under way or waits rejects. */
  close(): void {
    this.#isClosed = true;
    this.#queue.clear();
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  #backOff(error: KubeError, tried: number): number {
    const ownMs = FIRST_BACK_OFF_MS * 2 ** (tried - 1);
    if (error.status !== 429) return ownMs;
    const askedMs = Math.min(MAX_RETRY_AFTER_MS, Math.max(ownMs, error.retryAfterMs ?? 1000));
    this.#heldUntil = Math.max(this.#heldUntil, Date.now() + askedMs);
    return askedMs;
  }

  async #send<T>(method: string, path: string, { query, body }: KubeRequest): Promise<T> {
    const heldMs = this.#heldUntil - Date.now();
    if (heldMs > 0) await pause(heldMs);
    const url = new URL(`${this.config.getCurrentCluster()?.server.replace(/\/+$/, "")}${path}`);
    for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) url.searchParams.set(name, value);
    const payload = body === undefined ? undefined : JSON.stringify(body);
    const response = await this.#exchange(url, await this.#options(method, url, payload), payload);
    const answer = await text(response).catch((error: unknown) => {
      throw unreachable(url, error);
    });
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return JSON.parse(answer) as T;
    throw kubeError(status, answer, response.headers["retry-after"]);
  }

  async #options(method: string, url: URL, payload: string | undefined): Promise<RequestOptions> {
    const options: RequestOptions = {
      method,
      headers: {
        accept: "application/json",
        "user-agent": "gantry",
        ...(payload === undefined
          ? {}
          : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
      },
      timeout: TIMEOUT_MS,
    };
    try {
      await this.config.applyToHTTPSOptions(options);
    } catch (error) {
      throw new KubeError(0, "", `No credentials for the Kubernetes API: ${(error as Error).message}`);
    }
    // The library's agent keeps no connection; where there is a proxy, only it knows the way.
    if (this.config.getCurrentCluster()?.proxyUrl === undefined)
      options.agent = url.protocol === "http:" ? this.#agents.http : this.#agents.https;
    return options;
  }

  #exchange(url: URL, options: RequestOptions, payload: string | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const send = url.protocol === "http:" ? httpRequest : httpsRequest;
      const request = send(url, options, resolve);
      request.once("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
      request.once("error", (error) => reject(unreachable(url, error)));
      request.end(payload);
    });
  }
}

function unreachable(url: URL, error: unknown): KubeError {
  const { code, message } = error as NodeJS.ErrnoException;
  return new KubeError(0, "", `The Kubernetes API at ${url.origin} cannot be reached: ${message || code}`);
}
