import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { KEY, OTHER_KEY, PROD, serveHttp } from "../../test/support/served-http.ts";

const { call, engine, clock, lines, url } = await serveHttp();
const trigger = (options: Parameters<typeof call>[2] = {}) =>
  call("POST", "/api/v1/tasks/import/trigger", { body: {}, ...options });
const upload = async (token: string, body: string, type = "text/plain") =>
  fetch(token, { method: "PUT", body, headers: { "content-type": type } });

describe("the rate limit", () => {
  test("counts each key by itself, says when to come back, and Trigger.dev's clients understand it", async () => {
    const { call: limited, engine: its, clock: time } = await serveHttp();
    its.limitsOf = { ...DEFAULT_LIMITS, apiBurst: 2, apiRefillPerSecond: 1 };
    const list = (key: string) => limited("GET", "/api/v1/queues", { key });
    expect((await list(KEY)).headers.get("ratelimit-remaining")).toBe("1");
    expect((await list(KEY)).status).toBe(200);
    const refused = await list(KEY);
    expect(refused).toMatchObject({ status: 429, body: { code: "RATE_LIMITED", details: { limit: "apiBurst" } } });
    expect(refused.headers.get("retry-after")).toBe("1");
    expect(Number(refused.headers.get("x-ratelimit-reset"))).toBeGreaterThan(time.now());
    expect((await list(OTHER_KEY)).status).toBe(200);
    time.advance(1_000);
    expect((await list(KEY)).status).toBe(200);
  });

  test("is far higher for the runs themselves", async () => {
    const { call: limited, engine: its } = await serveHttp();
    its.limitsOf = { ...DEFAULT_LIMITS, apiBurst: 1, apiRefillPerSecond: 1 };
    const { body } = await limited("POST", "/api/v1/tasks/import/trigger", { body: {} });
    for (let i = 0; i < 20; i++)
      expect((await limited("GET", "/api/v1/queues", { key: `run-token:1:${body.id}` })).status).toBe(200);
  });
});

describe("a run that triggers", () => {
  test("is the parent of what it triggers, whatever it says", async () => {
    const { body: parent } = await trigger();
    const { body: child } = await trigger({
      key: `run-token:1:${parent.id}`,
      body: { options: { parentRunId: "run_other" } },
    });
    expect((await call("GET", `/api/v3/runs/${child.id}`)).body.parentRunId).toBe(parent.id);
  });
});

describe("a client that lost the answer and asks again", () => {
  test("gets the same run, not a second one", async () => {
    const headers = { "x-trigger-request-idempotency-key": "abc" };
    const [first, again] = [await trigger({ headers }), await trigger({ headers })];
    expect(again.body.id).toBe(first.body.id);
    expect((await trigger({ headers: { "x-trigger-request-idempotency-key": "abd" } })).body.id).not.toBe(
      first.body.id,
    );
  });

  test("may try again what failed", async () => {
    const headers = { "x-trigger-request-idempotency-key": "failing" };
    engine.failure = Object.assign(new Error("away"), { code: "ECONNREFUSED" });
    expect((await trigger({ headers })).status).toBe(503);
    engine.failure = undefined;
    expect((await trigger({ headers })).status).toBe(200);
  });

  test("of another environment gets its own", async () => {
    const headers = { "x-trigger-request-idempotency-key": "shared" };
    expect((await trigger({ headers, key: OTHER_KEY })).body.id).not.toBe((await trigger({ headers })).body.id);
  });
});

describe("a personal access token", () => {
  const key = `gt_pat_${"p".repeat(32)}`;
  test("works on the environment that its headers name", async () => {
    const headers = { "x-gantry-project": "proj_one", "x-gantry-environment": "prod" };
    expect(await trigger({ key, headers })).toMatchObject({ status: 200 });
  });

  test("is told which headers it lacks", async () => {
    expect(await trigger({ key })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("x-gantry-project") },
    });
  });

  test("asks who it is without any", async () => {
    expect(await call("GET", "/api/v2/whoami", { key })).toMatchObject({
      status: 200,
      body: { credential: { kind: "access" } },
    });
  });

  test("gets a 404 for an environment that is not there", async () => {
    const headers = { "x-gantry-project": "proj_one", "x-gantry-environment": "nope" };
    expect(await trigger({ key, headers })).toMatchObject({ status: 404, body: { code: "NOT_FOUND" } });
  });
});

describe("a key of limited scope", () => {
  test("makes tokens of no more than its own scope", async () => {
    const reader = engine.addKey(PROD, `gt_prod_sk_${"c".repeat(24)}`, "read");
    const make = (scopes: string[]) => call("POST", "/api/v1/auth/public-tokens", { key: reader, body: { scopes } });
    expect((await make(["read:runs"])).status).toBe(200);
    expect(await make(["read:runs", "trigger:tasks:import"])).toMatchObject({
      status: 403,
      body: { details: { scope: "trigger:tasks:import" } },
    });
  });
});

describe("an upload", () => {
  const presign = async (name: string) =>
    (await call("PUT", `/api/v2/packets/${encodeURIComponent(name)}`)).body as {
      presignedUrl: string;
      storagePath: string;
    };

  test("becomes the payload of a run, and its type with it", async () => {
    const { presignedUrl, storagePath } = await presign("trigger/x.txt");
    expect((await upload(presignedUrl, "a\0b")).status).toBe(200);
    const { body } = await trigger({ body: { payload: storagePath, options: { payloadType: "application/store" } } });
    expect((await call("GET", `/api/v3/runs/${body.id}`)).body).toMatchObject({
      payload: "a\0b",
      payloadType: "text/plain",
    });
  });

  test("is read by nobody in another environment", async () => {
    const { presignedUrl, storagePath } = await presign("y.txt");
    await upload(presignedUrl, "secret");
    const theirs = await trigger({
      key: OTHER_KEY,
      body: { payload: storagePath, options: { payloadType: "application/store" } },
    });
    expect(theirs).toMatchObject({ status: 404, body: { code: "PACKET_NOT_FOUND" } });
  });

  test("never takes another's place: the same name is stored twice", async () => {
    expect((await presign("z.txt")).storagePath).not.toBe((await presign("z.txt")).storagePath);
  });

  test("over the limit, of another type, through a changed, a download's or an old URL is refused", async () => {
    const { presignedUrl } = await presign("w.txt");
    expect((await upload(presignedUrl, "x".repeat(DEFAULT_LIMITS.payloadBytes + 1))).status).toBe(413);
    expect((await upload(presignedUrl, "x", "text/html")).status).toBe(415);
    expect((await upload(presignedUrl.slice(0, -2), "x")).status).toBe(401);
    const download = (await call("GET", "/api/v1/packets/w.txt")).body as { presignedUrl: string };
    expect((await upload(download.presignedUrl, "x")).status).toBe(403);
    clock.advance(16 * 60_000);
    expect((await upload(presignedUrl, "x")).status).toBe(401);
  });
});

describe("a browser", () => {
  test("may ask from any page, since no cookie goes with it", async () => {
    const preflight = await fetch(`${url}/api/v3/runs/x`, {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-method": "GET",
        "access-control-request-headers": "authorization",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-origin")).toBe("*");
    expect(preflight.headers.get("access-control-allow-headers")).toBe("authorization");
    expect(preflight.headers.get("access-control-allow-credentials")).toBeNull();
    const answer = await call("GET", "/api/v1/queues", { headers: { origin: "https://app.example" } });
    expect(answer.headers.get("access-control-expose-headers")).toContain("x-trigger-jwt");
  });
});

describe("what is written down", () => {
  test("is each request with its route, status and time, and no secret", async () => {
    const token = (await trigger()).headers.get("x-trigger-jwt") ?? "";
    await call("GET", "/api/v1/queues", { key: token });
    await fetch(((await call("PUT", "/api/v2/packets/a.txt")).body as { presignedUrl: string }).presignedUrl);
    const log = JSON.stringify(lines);
    expect(lines.at(-1)?.fields).toMatchObject({
      method: "GET",
      route: "/api/v1/packet-content",
      status: 403,
      requestId: expect.any(String),
      ms: expect.any(Number),
    });
    expect(log).not.toContain(KEY);
    expect(log).not.toContain(token);
    expect(log).not.toContain("token=");
  });

  test("is measured by route pattern, never by id", async () => {
    await call("GET", "/api/v3/runs/run_00000000000000000000000000");
    const text = await (await fetch(`${url}/metrics`)).text();
    expect(text).toContain(
      'gantry_http_request_duration_seconds_count{method="GET",route="/api/v3/runs/:runId",status="404"}',
    );
    expect(text).not.toContain("run_0000");
  });
});

describe("keys", () => {
  test("are made, listed without their secret, and revoked", async () => {
    const { body: made, status } = await call("POST", "/api/v1/keys", { body: { scope: "trigger" } });
    expect(status).toBe(201);
    expect((await trigger({ key: String(made.key) })).status).toBe(200);
    const listed = (await call("GET", "/api/v1/keys")).body;
    expect(JSON.stringify(listed)).not.toContain(String(made.key));
    expect((await call("POST", `/api/v1/keys/${made.id}/revoke`, { body: {} })).status).toBe(200);
    expect((await trigger({ key: String(made.key) })).status).toBe(401);
    expect((await call("POST", "/api/v1/keys/key_nope/revoke", { body: {} })).status).toBe(404);
  });
});
