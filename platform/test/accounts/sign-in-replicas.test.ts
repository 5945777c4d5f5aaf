import { expect, test } from "vitest";
import { BrowserClient } from "../support/browser-client.ts";
import { startRealPlatform } from "../support/real-platform.ts";
import { caller } from "../support/served-http.ts";
import { ADMIN, logIn, SIGN_IN_SETTINGS, setUp } from "../support/sign-in-acts.ts";
import { testDatabase } from "../support/test-database.ts";

const { url: databaseUrl } = await testDatabase();
const settings = { ...SIGN_IN_SETTINGS, GANTRY_PLATFORM_ENCRYPTION_KEY: Buffer.alloc(32, 9).toString("base64") };
const one = await startRealPlatform({ databaseUrl, settings });
const two = await startRealPlatform({ databaseUrl, settings, deploy: false });
const PROD = { project: "proj_test", environment: "prod" };

test("a session that ends on one replica ends on the other at once, with the tokens that it remembers", async () => {
  await setUp(one.url);
  const ended: string[] = [];
  two.platform.accounts.sessions.onEnded(({ sessionIds = [] }) => ended.push(...sessionIds));
  // Until the bus connects both: its sessions come up in their own time.
  await expect
    .poll(async () => {
      await (await logIn(one.url, ADMIN)).browser.post("/api/v1/auth/logout");
      return ended.length;
    })
    .toBeGreaterThan(0);
  const { browser } = await logIn(one.url, ADMIN);
  const key = await browser.token(PROD);
  const call = caller(two.url);
  expect((await call("GET", "/api/v1/runs", { key })).status).toBe(200);
  const { data } = (await browser.send("GET", "/api/v1/auth/sessions")).body;
  const current = (data as { id: string; isCurrent: boolean }[]).find(({ isCurrent }) => isCurrent)?.id;
  expect(current).toMatch(/^session_/);
  await browser.post("/api/v1/auth/logout");
  await expect.poll(() => ended).toContain(current);
  expect((await call("GET", "/api/v1/runs", { key })).status).toBe(401);
});

test("a session of one replica is one of the other, and its CSRF token too", async () => {
  const { browser } = await logIn(one.url, ADMIN);
  const there = new BrowserClient(two.url);
  for (const [name, value] of browser.cookies) there.cookies.set(name, value);
  there.csrfToken = browser.csrfToken;
  expect((await there.post("/api/v1/auth/session/token", PROD)).status).toBe(200);
});

test("tries to sign in are counted over all replicas", async () => {
  const wrong = { email: "count@example.com", password: "not the password" };
  const statuses = [];
  for (let i = 0; i < 12; i++) statuses.push((await logIn((i % 2 === 0 ? one : two).url, wrong)).answer.status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(10);
  expect(statuses.filter((status) => status === 429)).toHaveLength(2);
});
