import { describe, expect, test } from "vitest";
import { isLocalPlatform } from "../../src/accounts-wiring.ts";
import { BrowserClient } from "../support/browser-client.ts";
import { startRealPlatform } from "../support/real-platform.ts";
import { caller } from "../support/served-http.ts";
import { SIGN_IN_SETTINGS } from "../support/sign-in-acts.ts";

const local = await startRealPlatform({ settings: { GANTRY_PLATFORM_DEV_PROJECT: "proj_dev" } });
const other = await startRealPlatform({ settings: SIGN_IN_SETTINGS, deploy: false });
const DEV = { project: "proj_dev", environment: "dev" };

describe("a platform of gantry dev", () => {
  test("needs no sign-in on its own machine: whoever sits there is admin", async () => {
    const browser = new BrowserClient(local.url);
    expect(await browser.session()).toMatchObject({ state: "local", role: "admin" });
    const key = await browser.token(DEV);
    const call = caller(local.url);
    expect((await call("GET", "/api/v1/runs", { key })).status).toBe(200);
    expect((await call("POST", "/api/v1/keys", { key, body: { scope: "read" } })).status).toBe(201);
    const { entries } = await local.platform.accounts.audit.list({ action: "keys.create" }, { size: 1 });
    expect(entries[0]).toMatchObject({ actor: { kind: "local" }, environment: { project: "proj_dev" } });
  });

  test.each([
    ["a name that somebody else points here (DNS rebinding)", { host: "evil.example:4400" }],
    ["a name that only looks like this machine's", { host: "localhost.evil.example" }],
    ["an address of the network", { host: "192.168.1.10:4400" }],
    ["a page of another site", { origin: "https://evil.example" }],
    ["a page of another program on this machine", { origin: "http://localhost:1" }],
    ["a page without an origin (a file, a sandboxed frame)", { origin: "null" }],
    ["a proxy on this machine", { "x-forwarded-for": "203.0.113.7" }],
    ["another kind of proxy", { via: "1.1 proxy" }],
    ["a cross-site request without an Origin", { "sec-fetch-site": "cross-site" }],
  ])("is not open to %s", async (_, headers) => {
    const browser = new BrowserClient(local.url);
    const { body, headers: answered } = await browser.send("GET", "/api/v1/auth/session", { headers });
    expect(body).toMatchObject({ state: "setup", environments: [] });
    expect(answered["access-control-allow-origin"]).toBeUndefined();
    await browser.session();
    const token = await browser.post("/api/v1/auth/session/token", DEV, { headers });
    expect(["CSRF_REFUSED", "NOT_SIGNED_IN"]).toContain(token.body.code);
  });

  test("makes tokens that no other platform takes", async () => {
    const browser = new BrowserClient(local.url);
    await browser.session();
    const key = await browser.token(DEV);
    expect((await caller(other.url)("GET", "/api/v2/whoami", { key })).status).toBe(401);
  });
});

describe("any other platform", () => {
  test("asks this very machine to sign in too", async () => {
    expect(await new BrowserClient(other.url).session()).toMatchObject({ state: "setup" });
  });

  test.each([
    [true, { devProject: "p", host: "127.0.0.1" }],
    [true, { devProject: "p", host: "::1" }],
    [true, { devProject: "p", host: "localhost" }],
    [false, { devProject: "p", host: "0.0.0.0" }],
    [false, { devProject: "p", host: "::" }],
    [false, { devProject: "p", host: "192.168.1.10" }],
    [false, { devProject: "p", host: "127.0.0.1.evil.example" }],
    [false, { devProject: undefined, host: "127.0.0.1" }],
    [false, { devProject: "p", host: "127.0.0.1", publicUrl: "https://gantry.example.com" }],
  ])("is without sign-in: %s, where its settings are %j", (want, settings) => {
    expect(isLocalPlatform({ publicUrl: undefined, ...settings } as never)).toBe(want);
  });
});
