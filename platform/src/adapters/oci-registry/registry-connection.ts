import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { Agent, type Dispatcher, request as send } from "undici";
import { AppError } from "../../errors.ts";
import { RegistryAuth, type RegistryCredentials, refusePlain } from "./registry-auth.ts";

export interface RegistryConnectionOptions {
  /** `https://host[:port]`, or `http://` where the registry speaks it. */
  url: string;
  credentials?: RegistryCredentials | undefined;
  /** Named by a deploy, not by the operator: it is not followed into plain HTTP elsewhere. */
  isForeign?: boolean;
  /** Milliseconds a registry may be silent. */
  timeoutMs?: number;
  /** Milliseconds before the second try; doubled for each further one. */
  backoffMs?: number;
}

/** One request to the registry's API. */
export interface RegistryCall {
  method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE";
  /** A path of the API, or a URL the registry gave (where an upload goes on). */
  at: string;
  repository: string;
  action: "pull" | "push" | "delete";
  /** Beside `repository`: one that is read from, for a mount. */
  alsoFrom?: string | undefined;
  headers?: Record<string, string>;
  /** A stream is sent once: such a request is not tried again. */
  body?: Buffer | Readable;
  /** Other answers than these are errors. */
  accept: readonly number[];
  signal?: AbortSignal | undefined;
}

export type RegistryReply = Dispatcher.ResponseData;

const TRIES = 4;
const MAX_REDIRECTS = 5;
const LONGEST_WAIT_MS = 10_000;

/**
 * HTTP to one registry: credentials as it asks for them, tries again what is worth it, and says what failed as an error
 * of the registry's. No redirect is followed with credentials to another host.
 *
 * Errors: REGISTRY_UNAVAILABLE (no answer, 429 or 5xx to the last try), REGISTRY_DENIED (401, 403).
 */
export class RegistryConnection {
  readonly url: string;
  readonly auth: RegistryAuth;
  readonly #agent: Agent;
  readonly #backoffMs: number;
  readonly #isForeign: boolean;

  constructor(options: RegistryConnectionOptions) {
    const { url, credentials, timeoutMs = 30_000, backoffMs = 200, isForeign = false } = options;
    this.url = new URL(url).origin;
    this.#isForeign = isForeign;
    this.#backoffMs = backoffMs;
    this.#agent = new Agent({
      connect: { timeout: Math.min(timeoutMs, 10_000) },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
      connections: 16,
    });
    this.auth = new RegistryAuth({
      registryUrl: this.url,
      credentials,
      now: Date.now,
      fetch: async (at, headers) => {
        const reply = await this.#tryAgain(at, undefined, true, () =>
          send(at, { method: "GET", headers, dispatcher: this.#agent }),
        );
        return { status: reply.statusCode, text: await reply.body.text() };
      },
    });
  }

  get host(): string {
    return new URL(this.url).host;
  }

  async call(call: RegistryCall): Promise<RegistryReply> {
    const isRepeatable = call.body === undefined || Buffer.isBuffer(call.body);
    const reply = await this.#authorized(call, isRepeatable);
    if (call.accept.includes(reply.statusCode)) return reply;
    throw await refusal(this.host, call, reply);
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #authorized(call: RegistryCall, isRepeatable: boolean): Promise<RegistryReply> {
    const scope = scopeOf(call);
    const reply = await this.#send(call, await this.auth.header(scope), isRepeatable);
    if (reply.statusCode !== 401 || !isRepeatable) return reply;
    if (!this.auth.learn(single(reply.headers["www-authenticate"]), scope)) return reply;
    await reply.body.dump();
    return this.#send(call, await this.auth.header(scope), isRepeatable);
  }

  async #send(call: RegistryCall, authorization: string | undefined, isRepeatable: boolean): Promise<RegistryReply> {
    let at = new URL(call.at, this.url);
    for (let redirects = 0; ; redirects++) {
      // Whoever the registry sends us to gets nothing that is for the registry's eyes.
      const isOwn = at.origin === this.url;
      const reply = await this.#tryAgain(at.href, call.signal, isRepeatable, () =>
        send(at, {
          method: call.method,
          headers: { ...call.headers, ...(isOwn && authorization !== undefined ? { authorization } : {}) },
          body: call.body ?? null,
          dispatcher: this.#agent,
          ...(call.signal === undefined ? {} : { signal: call.signal }),
        }),
      );
      const location = single(reply.headers.location);
      const isRedirect = [301, 302, 303, 307, 308].includes(reply.statusCode) && location !== undefined;
      if (!isRedirect || !["GET", "HEAD"].includes(call.method) || redirects === MAX_REDIRECTS) return reply;
      await reply.body.dump();
      at = new URL(location, at);
      if (this.#isForeign) refusePlain(at, this.url, "leads to");
    }
  }

  /** Sends until there is an answer that is worth reading, or no try left. */
  async #tryAgain(
    at: string,
    signal: AbortSignal | undefined,
    isRepeatable: boolean,
    attempt: () => Promise<RegistryReply>,
  ): Promise<RegistryReply> {
    for (let tried = 1; ; tried++) {
      const isLast = !isRepeatable || tried === TRIES;
      let waitMs = this.#backoffMs * 2 ** (tried - 1) * (1 + Math.random());
      try {
        const reply = await attempt();
        const isPassing = reply.statusCode === 429 || reply.statusCode >= 500;
        if (!isPassing || isLast) return reply;
        const asked = Number(single(reply.headers["retry-after"]));
        if (asked > 0) waitMs = asked * 1000;
        await reply.body.dump();
      } catch (error) {
        if (signal?.aborted) throw signal.reason;
        if (error instanceof AppError) throw error;
        if (isLast) throw unreachable(at, error);
      }
      await sleep(Math.min(waitMs, LONGEST_WAIT_MS), undefined, signal === undefined ? {} : { signal });
    }
  }
}

function scopeOf({ repository, action, alsoFrom }: RegistryCall): string {
  const rights = { pull: "pull", push: "pull,push", delete: "delete" }[action];
  const own = `repository:${repository}:${rights}`;
  return alsoFrom === undefined ? own : `${own} repository:${alsoFrom}:pull`;
}

export function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Why nothing came back, in the words of the lowest layer, which knows best. */
function unreachable(at: string, error: unknown): AppError {
  let cause = error as { message?: string; code?: string; cause?: unknown; errors?: unknown[] };
  while (cause.cause instanceof Error || cause.errors?.[0] instanceof Error)
    cause = (cause.cause ?? cause.errors?.[0]) as typeof cause;
  const said = cause.message || cause.code || "no answer";
  return new AppError("REGISTRY_UNAVAILABLE", `The registry at ${new URL(at).origin} cannot be reached: ${said}.`, {
    cause: error,
  });
}

async function refusal(host: string, call: RegistryCall, reply: RegistryReply): Promise<AppError> {
  const { statusCode: status } = reply;
  const said = await messageOf(reply);
  const what = `${call.action === "pull" ? "pull from" : call.action === "push" ? "push to" : "delete from"} ${call.repository}`;
  if (status === 401 || status === 403)
    return new AppError(
      "REGISTRY_DENIED",
      `The registry ${host} does not let the platform ${what} (${status}${said}).`,
      {
        details: { registry: host, repository: call.repository, action: call.action },
      },
    );
  return new AppError(
    "REGISTRY_UNAVAILABLE",
    `The registry ${host} answered ${status}${said} to ${call.method} ${new URL(call.at, `http://${host}`).pathname}.`,
    { details: { registry: host, repository: call.repository, action: call.action } },
  );
}

/** `{ errors: [{ code, message }] }`, as the distribution API has it; nothing where it is something else. */
async function messageOf(reply: RegistryReply): Promise<string> {
  try {
    const text = await reply.body.text();
    const [first] = (JSON.parse(text) as { errors?: { code?: string; message?: string }[] }).errors ?? [];
    return first === undefined ? "" : `: ${first.code ?? ""} ${first.message ?? ""}`.trimEnd().slice(0, 300);
  } catch {
    return "";
  }
}
