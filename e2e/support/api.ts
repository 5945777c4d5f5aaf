import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "./eventually.ts";

export interface RunView {
  id: string;
  status: string;
  output?: unknown;
  error?: { message: string; code?: string };
  attemptCount: number;
  attempts?: { outcome: string; error?: { code?: string; message: string } }[];
  metadata?: Record<string, unknown>;
}

const LIVE = "PENDING_VERSION,DELAYED,QUEUED,DEQUEUED,EXECUTING,WAITING";

/** The API as a patient client uses it: what is refused for now, or cut off, is asked again. */
export class Api {
  readonly #url: string;
  readonly #key: string;
  /** Refusals that told to come again later. */
  unavailable = 0;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** One try. Error: no answer at all. */
  request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#key}`, "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let headers: Record<string, string> = {};
    for (const deadline = performance.now() + 120_000; ; ) {
      const reply = await this.request(method, path, body, headers).catch((error: unknown) => error as Error);
      if (!(reply instanceof Error)) {
        const text = await reply.text().catch(() => "");
        if (reply.ok) return JSON.parse(text) as T;
        // Without a platform behind its address, a machine's gateway may answer in its place.
        const isOurs = reply.headers.has("x-request-id");
        if (isOurs && ![429, 503].includes(reply.status)) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
        this.unavailable += 1;
        // Nor is it asked for longer than once: a kept connection leads to it even when the platform is back.
        headers = { connection: "close" };
      }
      if (performance.now() > deadline)
        throw new Error(
          `${method} ${path}: no answer in 120 s (${reply instanceof Error ? String(reply) : reply.status})`,
        );
      await pause(100);
    }
  }

  deploy(deployment: unknown): Promise<{ id: string; version: string }> {
    return this.call("POST", "/api/v1/deployments", deployment);
  }

  /** With an idempotency key a trigger that is asked again makes one run. */
  async trigger(taskId: string, payload: unknown, options: object = {}): Promise<string> {
    const reply = await this.call<{ id: string }>("POST", `/api/v1/tasks/${taskId}/trigger`, { payload, options });
    return reply.id;
  }

  run(id: string): Promise<RunView> {
    return this.call("GET", `/api/v3/runs/${id}`);
  }

  untilStatus(id: string, status: string, withinMs?: number): Promise<RunView> {
    return eventually(
      `${id}: ${status}`,
      async () => {
        const run = await this.run(id);
        return run.status === status ? run : undefined;
      },
      withinMs,
    );
  }

  /** Resolves when no run of the environment is live. */
  async untilIdle(withinMs: number): Promise<void> {
    await eventually(
      "the end of every run",
      async () => {
        const page = await this.call<{ data: unknown[] }>("GET", `/api/v1/runs?page[size]=10&filter[status]=${LIVE}`);
        return page.data.length === 0 ? true : undefined;
      },
      withinMs,
    );
  }
}
