import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pc from "picocolors";
import { onTestFinished } from "vitest";
import { runCli } from "../../src/cli/program.ts";

export interface SeenRequest {
  method: string;
  /** With its query. */
  path: string;
  body: unknown;
  key: string | null;
  headers: Headers;
}

export interface CliOptions {
  env?: Record<string, string>;
  cwd?: string;
  stdin?: string;
  /** A server is really asked, at `--api-url` or GANTRY_API_URL. */
  isServed?: boolean;
  signal?: AbortSignal;
  /** What the platform answers; an Error means that it is not there. Default: 404. */
  answer?: (
    request: SeenRequest,
  ) => { status?: number; body?: unknown /** Instead of a body. */; text?: string } | Error;
}

/** Runs one command line against an imagined platform, without colours, at noon of 2026-01-01. */
export async function cli(argv: string[], options: CliOptions = {}) {
  const out: string[] = [];
  const err: string[] = [];
  const requests: SeenRequest[] = [];
  const exitCode = await runCli(argv, {
    terminal: {
      out: (text) => out.push(text),
      err: (text) => err.push(text),
      isInteractive: false,
      colors: pc.createColors(false),
      now: () => Date.parse("2026-01-01T12:00:00Z"),
    },
    env: options.env ?? { GANTRY_SECRET_KEY: "gt_dev_sk_abc" },
    cwd: options.cwd ?? emptyFolder(),
    signal: options.signal ?? new AbortController().signal,
    stdin: async () => options.stdin ?? "",
    isInputTerminal: options.stdin === undefined,
    fetch: options.isServed ? fetch : imagined(options.answer, requests),
  });
  return { exitCode, out: out.join("\n"), err: err.join("\n"), requests };
}

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cli-"));
  writeFileSync(join(folder, "package.json"), `{"name":"app"}`);
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

function imagined(answer: CliOptions["answer"], requests: SeenRequest[]): typeof fetch {
  return async (input, init) => {
    const url = new URL(String(input));
    const request = {
      method: init?.method ?? "GET",
      path: decodeURIComponent(url.pathname + url.search),
      body: typeof init?.body === "string" ? (JSON.parse(init.body) as unknown) : undefined,
      key: new Headers(init?.headers).get("authorization"),
      headers: new Headers(init?.headers),
    };
    requests.push(request);
    const reply = answer?.(request) ?? { status: 404, body: { error: "There is nothing.", code: "NOT_FOUND" } };
    if (reply instanceof Error) throw reply;
    return new Response(("text" in reply ? reply.text : undefined) ?? JSON.stringify(reply.body), {
      status: reply.status ?? 200,
      headers: { "content-type": "application/json" },
    });
  };
}

/** A run as `GET /api/v3/runs/{id}` answers it. */
export function runReply(fields: object = {}) {
  return {
    id: "run_1",
    status: "COMPLETED",
    taskIdentifier: "hello",
    version: "20260101.1",
    isQueued: false,
    isExecuting: false,
    isWaiting: false,
    isCompleted: true,
    isSuccess: true,
    isFailed: false,
    isCancelled: false,
    isTest: false,
    createdAt: "2026-01-01T11:56:00.000Z",
    updatedAt: "2026-01-01T11:56:03.000Z",
    startedAt: "2026-01-01T11:56:01.000Z",
    finishedAt: "2026-01-01T11:56:03.100Z",
    tags: ["nightly"],
    costInCents: 0,
    baseCostInCents: 0,
    durationMs: 2100,
    depth: 0,
    triggerFunction: "trigger",
    attemptCount: 1,
    relatedRuns: {},
    ...fields,
  };
}
