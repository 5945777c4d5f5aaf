/**
 * How a runner that was launched for one execution learns who it is: it exchanges the bootstrap token of its pod's spec,
 * once, for a worker token and all that must not be in a spec.
 */
import { randomBytes } from "node:crypto";
import { WORKER_PROTOCOL_VERSION, WORKER_START_PATH, type WorkerStart } from "@gantry/sdk/contract";
import { httpClient } from "./http-client.ts";
import type { Log } from "./log.ts";

const FIRST_BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 5_000;
const ATTEMPT_TIMEOUT_MS = 10_000;
/** The token is worth nothing any more: late, used by another pod, or for an execution that is over. */
const REFUSALS = [401, 403, 409, 410];
/** What a proxy says while the platform is away, or a platform that is busy. Other 4xx do not go away by themselves. */
const PASSING = [404, 408, 425, 429];

export type StartAnswer =
  | { kind: "started"; start: WorkerStart }
  /** Nothing is left to do for this pod. */
  | { kind: "refused"; status: number; code: string; message: string }
  /** The two do not understand each other, or the platform was away for too long. */
  | { kind: "failed"; message: string };

export interface StartExchange {
  /** Base URL of the platform. */
  url: string;
  bootstrapToken: string;
  host: string;
  /** Milliseconds; then it gives up. */
  timeoutMs: number;
  log: Log;
}

interface HttpAnswer {
  status: number;
  body: string;
}

/** Asks until there is an answer: the same nonce each time, so that an answer that was lost costs nothing. */
export async function exchangeToken(exchange: StartExchange, post = postJson): Promise<StartAnswer> {
  const { url, bootstrapToken, host, timeoutMs, log } = exchange;
  const body = JSON.stringify({
    protocol: WORKER_PROTOCOL_VERSION,
    nonce: randomBytes(32).toString("base64url"),
    host,
  });
  const startedAt = performance.now();
  for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(MAX_BACK_OFF_MS, backOffMs * 2)) {
    const answer = await post(new URL(WORKER_START_PATH, url), bootstrapToken, body).catch(String);
    const read = typeof answer === "string" ? undefined : readAnswer(answer);
    if (read) return read;
    const why = typeof answer === "string" ? answer : `HTTP ${answer.status}`;
    if (performance.now() - startedAt > timeoutMs)
      return { kind: "failed", message: `the platform at ${url} could not be reached: ${why}` };
    log("warn", "the platform could not be reached, trying again", { why, afterMs: backOffMs });
    await new Promise((resolve) => setTimeout(resolve, backOffMs * (0.5 + Math.random())));
  }
}

/** Undefined: worth another try. */
function readAnswer({ status, body }: HttpAnswer): StartAnswer | undefined {
  if (status === 200) return { kind: "started", start: JSON.parse(body) as WorkerStart };
  if (status >= 500 || status < 400 || PASSING.includes(status)) return undefined;
  const { code, message } = readError(body);
  if (REFUSALS.includes(status)) return { kind: "refused", status, code, message };
  return { kind: "failed", message: `the platform refused the exchange: HTTP ${status} ${code} ${message}`.trim() };
}

function readError(body: string): { code: string; message: string } {
  try {
    const { code = "", error = "" } = JSON.parse(body) as { code?: string; error?: string };
    return { code, message: error };
  } catch {
    return { code: "", message: "" };
  }
}

async function postJson(url: URL, token: string, body: string): Promise<HttpAnswer> {
  const { request: send } = httpClient(url);
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    };
    const request = send(url, { method: "POST", headers, agent: false, timeout: ATTEMPT_TIMEOUT_MS }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: text }));
      response.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${ATTEMPT_TIMEOUT_MS / 1000} s`)));
    request.on("error", reject);
    request.end(body);
  });
}
