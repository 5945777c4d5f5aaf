import { Registry } from "prom-client";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { ACCESS_TOKEN, DEPLOY_TOKEN } from "../../test/support/fake-engine.ts";
import { PROD, serveHttp } from "../../test/support/served-http.ts";
import { createEdge } from "./edge.ts";
import { allRoutes } from "./routes/index.ts";

const { call, url, engine } = await serveHttp();
const DEPLOY_KEY = engine.addKey(PROD, `gt_prod_sk_${"d".repeat(24)}`, "deploy");
const place = { "x-gantry-project": PROD.projectRef, "x-gantry-environment": PROD.slug };

const RUN = String((await call("POST", "/api/v1/tasks/import/trigger", { body: { payload: {} } })).body.id);
const BATCH = String((await call("POST", "/api/v3/batches", { body: { runCount: 1 } })).body.id);

/** All that a credential for deploys may ask; every other route refuses it. */
const ALLOWED = [
  /^(GET|POST) \/api\/v1\/deployments(\/|$)/,
  /^(GET|POST|PUT|HEAD) \/api\/v1\/(layers|deploy)/,
  /^GET \/api\/v1\/builds(\/|$)/,
  /^POST \/api\/v1\/projects\/:projectRef\/envvars\/:environment\/import$/,
  /^GET \/api\/v2\/whoami$/,
];

/** Every route that a credential matters for (a browser's session is none of these), with something in its parameters. */
function guarded() {
  const config = { tokenSecrets: ["t".repeat(32)] };
  const edge = createEdge({ config, metrics: new Registry(), clock: new FakeClock() } as never);
  return allRoutes(edge)
    .filter(({ access }) => access.by !== "none" && access.by !== "browser")
    .map(({ method, path }) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path: path
        .replace(":projectRef", PROD.projectRef)
        .replace(":environment", PROD.slug)
        .replace(":runId", RUN)
        .replace(":batchId", BATCH)
        .replace(":field", "payload")
        .replaceAll(/:\w+/g, "x1"),
    }));
}

describe.each([
  ["an access token", DEPLOY_TOKEN],
  ["a key", DEPLOY_KEY],
])("%s of scope deploy", (_title, key) => {
  test.each(guarded().map((each) => [each.name, each] as const))("%s", async (name, { method, path }) => {
    const body = method === "GET" ? {} : { body: bodyFor(path) };
    const { status, body: answer } = await call(method, path, { key, headers: place, ...body });
    if (ALLOWED.some((pattern) => pattern.test(name))) expect([401, 403]).not.toContain(status);
    else expect([name, status, answer.code]).toEqual([name, 403, "FORBIDDEN"]);
  });
});

/** Enough for the routes that look into the body before they know what is asked. */
function bodyFor(path: string): object {
  if (path.endsWith("/trigger")) return { payload: {} };
  if (path.endsWith("/import")) return { variables: {} };
  if (path.endsWith("/batch")) return { items: [{ task: "import", payload: {} }] };
  if (path.endsWith("/items")) return { index: 0, task: "import", payload: "{}" };
  if (path.endsWith("/tags")) return { tags: "x" };
  if (path.endsWith("/reschedule")) return { delay: "1h" };
  if (path.startsWith("/realtime/v1/streams/")) return { producer: "x", sequence: 0, chunks: [] };
  if (path.endsWith("/input-streams/wait")) return { streamId: "x" };
  if (path === "/api/v3/batches") return { runCount: 1 };
  if (path === "/api/v1/auth/public-tokens") return { scopes: ["read:deployments"] };
  if (path === "/api/v1/access-tokens") return { name: "mine" };
  return {};
}

describe("access tokens", () => {
  test("are listed, made and revoked by a person, and by no environment's key", async () => {
    const person = { key: ACCESS_TOKEN };
    expect((await call("GET", "/api/v1/access-tokens", person)).body).toMatchObject({
      data: [{ id: "token_1", name: "ada", scopes: ["full"], expiresAt: null }],
    });
    const made = await call("POST", "/api/v1/access-tokens", { ...person, body: { name: "ci", scopes: ["deploy"] } });
    expect(made).toMatchObject({ status: 201, body: { id: "token_1", token: ACCESS_TOKEN } });
    expect(made.headers.get("cache-control")).toBe("no-store");
    expect((await call("POST", "/api/v1/access-tokens/token_1/revoke", person)).status).toBe(200);
    expect((await call("POST", "/api/v1/access-tokens/token_9/revoke", person)).status).toBe(404);
    for (const [method, path] of [
      ["GET", "/api/v1/access-tokens"],
      ["POST", "/api/v1/access-tokens"],
      ["POST", "/api/v1/access-tokens/token_1/revoke"],
    ] as const)
      expect((await call(method, path, method === "GET" ? {} : { body: { name: "x" } })).status).toBe(403);
  });
});

describe("a key", () => {
  test.each([
    ["its own environment", place, 200],
    ["an alias of it", { "x-gantry-environment": "prod" }, 200],
    ["another environment", { "x-gantry-environment": "staging" }, 403],
    ["another project", { "x-gantry-project": "proj_two" }, 403],
  ])("that is sent with the name of %s", async (_title, headers, want) => {
    const response = await fetch(`${url}/api/v2/whoami`, {
      headers: { authorization: `Bearer ${DEPLOY_KEY}`, ...(headers as Record<string, string>) },
    });
    expect(response.status).toBe(want);
  });
});
