import { describe, expect, test } from "vitest";
import { KEY, OTHER_KEY, PROD, serveHttp } from "../../test/support/served-http.ts";
import { encodeId, newUuid } from "../ids.ts";
import { createPublicTokens } from "./public-tokens.ts";

const { call, engine, clock } = await serveHttp();
const RUN = encodeId("run", newUuid());
const tokens = createPublicTokens({
  secrets: ["t".repeat(32)],
  clock,
  projects: { signingKeys: async () => [], environmentById: async () => PROD },
});

const READS = [
  "/api/v1/tasks",
  "/api/v1/tasks/import",
  "/api/v1/runs/stats",
  "/api/v1/runs/counts",
  "/api/v1/errors",
  "/api/v1/errors/0123456789abcdef",
  "/api/v1/batches",
  "/api/v1/bulk-actions",
  `/api/v1/bulk-actions/${encodeId("bulk", newUuid())}`,
  "/api/v1/environments",
  "/api/v1/limits/usage",
  "/api/v1/cluster",
];

describe("what operators look at", () => {
  test.each(READS)("%s is for keys, never for public tokens, however wide their scopes", async (path) => {
    for (const scopes of [
      ["admin"],
      ["read"],
      ["read:all"],
      ["read:insights"],
      ["read:runs", "read:tasks", "read:batch"],
    ]) {
      const token = tokens.issue(PROD, { scopes, expiresInSeconds: 60 });
      expect(await call("GET", path, { key: token })).toMatchObject({ status: 403 });
    }
    expect(await call("GET", path, { key: "" })).toMatchObject({ status: 401 });
    expect([200, 404]).toContain((await call("GET", path, { key: KEY })).status);
  });

  test("a key that only triggers sees none of it, one that only reads changes none of it", async () => {
    const trigger = engine.addKey(PROD, `gt_prod_sk_${"t".repeat(24)}`, "trigger");
    const read = engine.addKey(PROD, `gt_prod_sk_${"e".repeat(24)}`, "read");
    expect(await call("GET", "/api/v1/errors", { key: trigger })).toMatchObject({ status: 403 });
    const body = { action: "cancel", runIds: [RUN] };
    expect(await call("POST", "/api/v1/bulk-actions", { key: read, body })).toMatchObject({ status: 403 });
  });

  test("a key sees its own environment alone", async () => {
    const { body } = await call("GET", "/api/v1/environments", { key: OTHER_KEY });
    expect(body.data).toMatchObject([{ id: "env_2", slug: "staging", project: { ref: "proj_one" } }]);
  });

  test.each([
    ["/api/v1/tasks?period=soon", "VALIDATION_FAILED"],
    ["/api/v1/tasks?period=60d", "VALIDATION_FAILED"],
    ["/api/v1/errors/nothex", "VALIDATION_FAILED"],
    ["/api/v1/errors/0123456789abcdef", "ERROR_GROUP_NOT_FOUND"],
    ["/api/v1/tasks/nope", "TASK_NOT_FOUND"],
    ["/api/v1/batches?page[after]=nope", "MALFORMED_ID"],
    ["/api/v1/bulk-actions/nope", "MALFORMED_ID"],
    ["/api/v1/runs?filter[schedule]=nope", "MALFORMED_ID"],
    ["/api/v1/runs?filter[bulkAction]=nope", "MALFORMED_ID"],
    ["/api/v1/runs?filter[error]=nope", "VALIDATION_FAILED"],
    ["/api/v1/runs/counts?filter[status]=LOST", "VALIDATION_FAILED"],
  ])("%s is refused as %s", async (path, code) => {
    expect((await call("GET", path, { key: KEY })).body.code).toBe(code);
  });
});

describe("a bulk action's request", () => {
  const post = (body: unknown, key = KEY) => call("POST", "/api/v1/bulk-actions", { key, body });

  test("is taken with a filter or with runs, and seen by its own environment", async () => {
    const { status, body } = await post({
      action: "replay",
      name: "after the fix",
      filter: { status: "FAILED", tag: ["a,b", "c"] },
    });
    expect(status).toBe(200);
    const { body: seen } = await call("GET", `/api/v1/bulk-actions/${body.id}`, { key: KEY });
    expect(seen).toMatchObject({
      name: "after the fix",
      type: "REPLAY",
      status: "PENDING",
      counts: { total: 0, success: 0, failure: 0 },
      filter: { status: "FAILED", tag: ["a,b", "c"] },
    });
    expect(await call("GET", `/api/v1/bulk-actions/${body.id}`, { key: OTHER_KEY })).toMatchObject({ status: 404 });
    expect((await post({ action: "cancel", runIds: [RUN] })).status).toBe(200);
    expect(await call("POST", `/api/v1/bulk-actions/${body.id}/abort`, { key: OTHER_KEY })).toMatchObject({
      status: 404,
    });
    expect((await call("POST", `/api/v1/bulk-actions/${body.id}/abort`, { key: KEY })).body).toEqual({ id: body.id });
    expect((await call("GET", `/api/v1/bulk-actions/${body.id}`, { key: KEY })).body).toMatchObject({
      status: "ABORTED",
    });
  });

  test.each<[string, unknown, string]>([
    ["both", { action: "cancel", filter: { isTest: true }, runIds: [RUN] }, "VALIDATION_FAILED"],
    ["neither", { action: "cancel" }, "VALIDATION_FAILED"],
    ["an empty filter", { action: "cancel", filter: {} }, "VALIDATION_FAILED"],
    ["another action", { action: "delete", runIds: [RUN] }, "VALIDATION_FAILED"],
    ["a filter nobody knows", { action: "cancel", filter: { colour: "red" } }, "VALIDATION_FAILED"],
    ["what is no run", { action: "cancel", runIds: ["nope"] }, "MALFORMED_ID"],
    ["a region", { action: "replay", runIds: [RUN], targetRegion: "eu" }, "UNSUPPORTED_OPTION"],
  ])("with %s is refused", async (_what, body, code) => {
    expect((await post(body)).body.code).toBe(code);
  });
});

test("a limit that follows another may be set to do so again, others not", async () => {
  expect(await call("PUT", "/api/v1/limits", { key: KEY, body: { maxHeld: -1 } })).toMatchObject({ status: 200 });
  expect(await call("PUT", "/api/v1/limits", { key: KEY, body: { maxHeld: -2 } })).toMatchObject({ status: 400 });
  expect(await call("PUT", "/api/v1/limits", { key: KEY, body: { queuedRuns: -1 } })).toMatchObject({ status: 400 });
});
