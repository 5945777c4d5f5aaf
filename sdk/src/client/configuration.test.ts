import { AsyncLocalStorage } from "node:async_hooks";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { configure, resolveConfig, withAuth } from "./configuration.ts";
import type { CurrentRun } from "./current-run.ts";

const VARIABLES = ["GANTRY", "TRIGGER"].flatMap((brand) =>
  ["API_URL", "SECRET_KEY", "ACCESS_TOKEN"].map((name) => `${brand}_${name}`),
);
const RUN = Symbol.for("dev.gantry.run");

beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  configure({});
  delete (globalThis as Record<symbol, unknown>)[RUN];
});

describe("the configuration of a call", () => {
  test("comes from GANTRY_*, and from TRIGGER_* where those are missing", () => {
    vi.stubEnv("TRIGGER_API_URL", "http://trigger:1/");
    vi.stubEnv("TRIGGER_SECRET_KEY", "tr_dev_sk_a");
    expect(resolveConfig()).toMatchObject({ baseUrl: "http://trigger:1", token: "tr_dev_sk_a" });
    vi.stubEnv("GANTRY_API_URL", "http://gantry:2");
    vi.stubEnv("GANTRY_ACCESS_TOKEN", "pat");
    expect(resolveConfig()).toMatchObject({ baseUrl: "http://gantry:2", token: "pat" });
    vi.stubEnv("GANTRY_SECRET_KEY", "gt_dev_sk_b");
    expect(resolveConfig()).toMatchObject({ token: "gt_dev_sk_b" });
  });

  test("is where `gantry dev` listens unless something else is said", () => {
    expect(resolveConfig({ clientConfig: { secretKey: "k" } }).baseUrl).toBe("http://localhost:4400");
  });

  test("prefers configure to the environment, withAuth to configure, the call's own to all", async () => {
    vi.stubEnv("GANTRY_SECRET_KEY", "environment");
    configure({ secretKey: "configured", baseURL: "http://configured" });
    expect(resolveConfig()).toMatchObject({ token: "configured", baseUrl: "http://configured" });
    await withAuth({ accessToken: "scoped" }, async () => {
      await Promise.resolve();
      expect(resolveConfig()).toMatchObject({ token: "scoped", baseUrl: "http://configured" });
      expect(resolveConfig({ clientConfig: { accessToken: "own" } }).token).toBe("own");
    });
    expect(resolveConfig().token).toBe("configured");
  });

  test("of two withAuth at once are kept apart", async () => {
    const tokens = await Promise.all(
      ["one", "two"].map((accessToken) =>
        withAuth({ accessToken }, async () => {
          await new Promise((resolve) => setImmediate(resolve));
          return resolveConfig().token;
        }),
      ),
    );
    expect(tokens).toEqual(["one", "two"]);
  });

  test("is the run's own inside a run, unless the code configures another", () => {
    const storage = new AsyncLocalStorage<CurrentRun>();
    (globalThis as Record<symbol, unknown>)[RUN] = storage;
    vi.stubEnv("GANTRY_SECRET_KEY", "environment");
    storage.run({ host: { api: { url: "http://platform", token: "run-token" } } }, () => {
      expect(resolveConfig()).toMatchObject({ baseUrl: "http://platform", token: "run-token" });
      configure({ secretKey: "configured" });
      expect(resolveConfig()).toMatchObject({ baseUrl: "http://platform", token: "configured" });
    });
  });

  test("merges request options, the call's own last", () => {
    configure({
      secretKey: "k",
      requestOptions: { timeoutInMs: 5, retry: { maxAttempts: 2 }, additionalHeaders: { a: "1" } },
    });
    const { requestOptions } = resolveConfig({ retry: { factor: 3 }, additionalHeaders: { b: "2" } });
    expect(requestOptions).toMatchObject({
      timeoutInMs: 5,
      retry: { maxAttempts: 2, factor: 3 },
      additionalHeaders: { a: "1", b: "2" },
    });
  });

  test("without a key says what to set", () => {
    expect(() => resolveConfig()).toThrow("Set GANTRY_SECRET_KEY");
    expect(() => resolveConfig()).toThrowError(expect.objectContaining({ code: "MISSING_CREDENTIALS" }));
  });

  test("with an address that is none says so", () => {
    configure({ secretKey: "k", baseURL: "localhost" });
    expect(() => resolveConfig()).toThrowError(expect.objectContaining({ code: "INVALID_BASE_URL" }));
  });
});
