import { expect, test, vi } from "vitest";
import { LiveClient } from "./support/live-client.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";
import { ADMIN, logIn, member, SIGN_IN_SETTINGS, setUp } from "./support/sign-in-acts.ts";

const { url, key, platform } = await startRealPlatform({
  settings: { ...SIGN_IN_SETTINGS, GANTRY_PLATFORM_REALTIME_MAX_SOCKETS: "3" },
});
const admin = await setUp(url);
const PROD = { project: "proj_test", environment: "prod" };

async function runId(): Promise<string> {
  const { body } = await caller(url)("POST", "/api/v1/tasks/import/trigger", { key, body: { payload: {} } });
  return String(body.id);
}

test("a user's socket is hung up as soon as the session ends, and no other", async () => {
  const run = await runId();
  const { browser } = await logIn(url, ADMIN);
  const other = await logIn(url, ADMIN);
  const live = await new LiveClient(url, await browser.token(PROD)).connected();
  const stays = await new LiveClient(url, await other.browser.token(PROD)).connected();
  await live.follow(run);
  await stays.follow(run);
  await browser.post("/api/v1/auth/logout");
  await live.until(() => !live.socket.connected);
  expect(live.of("closed")).toMatchObject([{ id: "1", error: { code: "UNAUTHORIZED" } }]);
  expect([stays.socket.connected, stays.of("closed")]).toEqual([true, []]);
});

test("a user who is disabled is hung up on, and one whose role changes goes on", async () => {
  const run = await runId();
  const viewer = await member(admin, url, "viewer");
  const live = await new LiveClient(url, await viewer.browser.token(PROD)).connected();
  await live.follow(run);
  platform.accounts.sessions.changed(viewer.userId);
  await caller(url)("PUT", `/api/v1/runs/${run}/metadata`, { key, body: { metadata: { still: "here" } } });
  await live.until(() => live.run(run)?.metadata?.still === "here");
  const disabled = await admin.send("PUT", `/api/v1/users/${viewer.userId}`, {
    body: { isDisabled: true },
    headers: { authorization: `Bearer ${await admin.token()}` },
  });
  expect(disabled.status).toBe(200);
  await live.until(() => !live.socket.connected);
  expect(live.of("closed")).toMatchObject([{ id: "1" }]);
});

test("a process with as many sockets as it takes says so, and takes another when one has left", async () => {
  const clients = await Promise.all([1, 2, 3].map(() => new LiveClient(url, key).connected()));
  await expect(new LiveClient(url, key).connected()).rejects.toThrow("TOO_MANY_SOCKETS");
  clients[0]?.socket.disconnect();
  await vi.waitFor(() => new LiveClient(url, key).connected(), { timeout: 5_000, interval: 50 });
});
