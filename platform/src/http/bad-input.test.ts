import { expect, test } from "vitest";
import { describeBadInput } from "../../test/support/api-bad-input.ts";
import { KEY, OTHER_KEY, serveHttp } from "../../test/support/served-http.ts";

const { call, engine, url } = await serveHttp();
const TRIGGER = "/api/v1/tasks/import/trigger";

describeBadInput(async () => ({ url, key: KEY, otherKey: OTHER_KEY, countRuns: async () => engine.requests.length }));

test("a database that is away is 503 with Retry-After, and readiness says so", async () => {
  engine.failure = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:5432"), { code: "ECONNREFUSED" });
  const answer = await call("POST", TRIGGER, { body: {} });
  expect(answer).toMatchObject({ status: 503, body: { code: "STORE_UNAVAILABLE" } });
  expect(answer.headers.get("retry-after")).toBe("1");
  expect((await call("GET", "/readyz", { key: "" })).status).toBe(503);
  expect((await call("GET", "/healthz", { key: "" })).status).toBe(200);
  engine.failure = undefined;
  expect((await call("GET", "/readyz", { key: "" })).status).toBe(200);
});

test("an error inside is 500 with the request's id, and says nothing of itself", async () => {
  engine.failure = new Error("select secret from vault");
  const { status, body, headers } = await call("POST", TRIGGER, { body: {}, headers: { "x-request-id": "abc-1" } });
  engine.failure = undefined;
  expect(status).toBe(500);
  expect(headers.get("x-request-id")).toBe("abc-1");
  expect(body).toMatchObject({ code: "INTERNAL", details: { requestId: "abc-1" } });
  expect(JSON.stringify(body)).not.toContain("vault");
});
