import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { afterAll } from "vitest";
import { AppError } from "../../src/errors.ts";
import { createHttpApp, SERVER_OPTIONS } from "../../src/http/app.ts";
import type { HttpDeps } from "../../src/http/deps.ts";
import { createEdge } from "../../src/http/edge.ts";
import type { EnvironmentRef } from "../../src/projects/principal.ts";
import { fakeAccounts } from "./fake-accounts.ts";
import { fakeCheckpoints } from "./fake-checkpoints.ts";
import { FakeClock } from "./fake-clock.ts";
import { FakeEngine } from "./fake-engine.ts";
import { fakeBulkActions, fakeInsights } from "./fake-insights.ts";
import { fakeVariables } from "./fake-variables.ts";

export const PROD: EnvironmentRef = {
  id: 1,
  publicId: "env_1",
  slug: "prod",
  type: "PRODUCTION",
  projectId: "p1",
  projectRef: "proj_one",
  projectName: "One",
};
export const OTHER: EnvironmentRef = { ...PROD, id: 2, publicId: "env_2", slug: "staging", type: "STAGING" };
export const KEY = `gt_prod_sk_${"a".repeat(24)}`;
export const OTHER_KEY = `gt_staging_sk_${"b".repeat(24)}`;

/** The API on a free port, on ports in memory; closed when the test file ends. */
export async function serveHttp(overrides: Partial<HttpDeps> = {}) {
  const engine = new FakeEngine();
  engine.addKey(PROD, KEY);
  engine.addKey(OTHER, OTHER_KEY);
  const clock = new FakeClock(Date.now());
  const lines: { level: string; fields: Record<string, unknown>; message: string }[] = [];
  const log = (level: string) => (fields: unknown, message?: string) =>
    void lines.push({ level, fields: fields as never, message: message ?? "" });
  const deps: HttpDeps = {
    runs: engine.runService(),
    waitpoints: engine.waitpointService(),
    streams: engine.streamService(),
    journals: engine.journalService(),
    insights: fakeInsights(),
    bulkActions: fakeBulkActions(),
    cluster: {
      view: async () => ({
        executor: "none" as const,
        problem: undefined,
        observedAt: new Date(),
        workers: [],
        isTruncated: false,
        nodes: undefined,
        checkpoints: undefined,
      }),
    },
    checkpoints: fakeCheckpoints(),
    queues: engine.queueService(),
    schedules: engine.scheduleService(),
    deployments: engine.deploymentService(),
    deploys: engine.deployService(),
    builds: { list: async () => [], retrieve: async () => undefined, lines: async () => [] },
    projects: engine.projectService([PROD, OTHER]),
    accounts: fakeAccounts(),
    variables: fakeVariables(),
    credentials: engine.credentials(),
    startExchange: async () => {
      throw new AppError("UNAUTHORIZED", "No worker is expected here.");
    },
    pingStore: async () => {
      if (engine.failure !== undefined) throw engine.failure;
    },
    logger: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") } as never,
    clock,
    metrics: new Registry(),
    inspectReply(schema, answer) {
      const { error } = schema.safeParse(JSON.parse(JSON.stringify(answer)));
      if (error !== undefined) throw new Error(`the answer is not what its schema says: ${error.message}`);
    },
    config: { tokenSecrets: ["t".repeat(32)], version: "0.1.0" },
    ...overrides,
  };
  const edge = createEdge(deps);
  const app = createHttpApp(deps, edge);
  const server = createServer(SERVER_OPTIONS, app);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { url, engine, clock, lines, app, edge, call: caller(url) };
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { error?: string; code?: string; details?: Record<string, unknown> };
}

/** One request; a body that is no string is sent as JSON. */
export function caller(url: string) {
  return async (
    method: string,
    path: string,
    options: { body?: unknown; key?: string | undefined; headers?: Record<string, string> } = {},
  ): Promise<Answer> => {
    const { body, key = KEY, headers } = options;
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(key === "" ? {} : { authorization: `Bearer ${key}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" || body instanceof Uint8Array ? (body as string) : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: parse(text) };
  };
}

function parse(text: string): Answer["body"] {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}
