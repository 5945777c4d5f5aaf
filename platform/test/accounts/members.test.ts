import { beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { runOperatorCommand } from "../../src/operator-commands.ts";
import { BrowserClient } from "../support/browser-client.ts";
import { startRealPlatform } from "../support/real-platform.ts";
import { caller } from "../support/served-http.ts";
import { ADMIN, logIn, member, SIGN_IN_SETTINGS, setUp } from "../support/sign-in-acts.ts";
import { testDatabase } from "../support/test-database.ts";

const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString("base64");
const { url: databaseUrl } = await testDatabase();
const { url, platform } = await startRealPlatform({
  databaseUrl,
  settings: { ...SIGN_IN_SETTINGS, GANTRY_PLATFORM_ENCRYPTION_KEY: ENCRYPTION_KEY },
});
const call = caller(url);
const PROD = { project: "proj_test", environment: "prod" };

let admin: BrowserClient;
beforeAll(async () => {
  admin = await setUp(url);
});

async function asAdmin(method: string, path: string, body?: unknown) {
  return call(method, path, { key: await admin.token(), ...(body === undefined ? {} : { body }) });
}

async function accept(link: string, password: string) {
  const browser = new BrowserClient(url);
  await browser.session();
  const token = new URL(link).hash.slice(1);
  const seen = await browser.post("/api/v1/auth/invitation", { token });
  const answer = await browser.post("/api/v1/auth/invitation/accept", { token, password });
  return { browser, seen, answer };
}

describe("a member who is invited", () => {
  test("chooses a password by a link that works once", async () => {
    const { body, headers } = await asAdmin("POST", "/api/v1/users", {
      email: "Grace@Example.com",
      name: "Grace",
      role: "developer",
    });
    expect(headers.get("cache-control")).toBe("no-store");
    const { url: link } = body.invitation as { url: string };
    const { seen, answer, browser } = await accept(link, "the moth in the relay");
    expect(seen.body).toMatchObject({ email: "grace@example.com", name: "Grace" });
    expect(answer.body).toMatchObject({ state: "signedIn", role: "developer" });
    expect(await browser.session()).toMatchObject({ state: "signedIn" });
    const again = await accept(link, "somebody else's password");
    expect([again.seen.body.code, again.answer.body.code]).toEqual(["INVITATION_INVALID", "INVITATION_INVALID"]);
    expect((await logIn(url, { email: "grace@example.com", password: "the moth in the relay" })).answer.status).toBe(
      200,
    );
  });

  test("keeps an old password until a link to a new one is used, which ends all sessions", async () => {
    const { browser, userId, password } = await member(admin, url, "viewer", "linus@example.com");
    const { body } = await asAdmin("POST", `/api/v1/users/${userId}/invite`);
    const first = (body.invitation as { url: string }).url;
    const { body: second } = await asAdmin("POST", `/api/v1/users/${userId}/invite`);
    expect((await accept(first, "a password by the old link")).answer.body.code).toBe("INVITATION_INVALID");
    expect((await logIn(url, { email: "linus@example.com", password })).answer.status).toBe(200);
    await accept((second.invitation as { url: string }).url, "a password by the new link");
    expect(await browser.session()).toMatchObject({ state: "signedOut" });
    expect((await logIn(url, { email: "linus@example.com", password })).answer.status).toBe(401);
  });

  test("is there once: an address is nobody else's", async () => {
    const { body } = await asAdmin("POST", "/api/v1/users", { email: "ADA@example.com", name: "Ada again" });
    expect(body.code).toBe("USER_EXISTS");
  });
});

describe("a change of somebody's rights", () => {
  test("counts from their next request on, with the token that they have", async () => {
    const { browser, userId } = await member(admin, url, "developer", "role@example.com");
    const key = await browser.token(PROD);
    expect((await call("POST", "/api/v1/tasks/import/trigger", { key, body: { payload: 1 } })).status).toBe(200);
    await asAdmin("PUT", `/api/v1/users/${userId}`, { role: "viewer" });
    const refused = await call("POST", "/api/v1/tasks/import/trigger", { key, body: { payload: 1 } });
    expect(refused.body).toMatchObject({ code: "FORBIDDEN", details: { reason: "ROLE" } });
    expect((await call("GET", "/api/v1/runs", { key })).status).toBe(200);
  });

  test("ends everything of somebody whose account is closed: session, tokens, personal tokens, links", async () => {
    const { browser, userId, password } = await member(admin, url, "developer", "gone@example.com");
    const key = await browser.token(PROD);
    const { body } = await call("POST", "/api/v1/access-tokens", { key, body: { name: "laptop" } });
    const personal = String(body.token);
    const headers = { "x-gantry-project": "proj_test", "x-gantry-environment": "prod" };
    expect((await call("GET", "/api/v1/runs", { key: personal, headers })).status).toBe(200);
    const { body: link } = await asAdmin("POST", `/api/v1/users/${userId}/invite`);
    await asAdmin("PUT", `/api/v1/users/${userId}`, { isDisabled: true });
    expect((await call("GET", "/api/v1/runs", { key })).status).toBe(401);
    expect((await call("GET", "/api/v1/runs", { key: personal, headers })).status).toBe(401);
    expect(await browser.session()).toMatchObject({ state: "signedOut" });
    expect((await logIn(url, { email: "gone@example.com", password })).answer.body.code).toBe("BAD_CREDENTIALS");
    const { answer } = await accept((link.invitation as { url: string }).url, "a way back in by the link");
    expect(answer.body.code).toBe("INVITATION_INVALID");
  });

  test("never takes the last admin who can sign in, however many try at once", async () => {
    const second = await member(admin, url, "admin", "second@example.com");
    await asAdmin("POST", "/api/v1/users", { email: "never-came@example.com", name: "Invited", role: "admin" });
    const { id: adaId } = (await admin.session()).user as { id: string };
    // Before, as whoever comes second is signed out.
    const [firstKey, secondKey] = [await admin.token(), await second.browser.token()];
    const answers = await Promise.all([
      call("PUT", `/api/v1/users/${second.userId}`, { key: firstKey, body: { role: "viewer" } }),
      call("PUT", `/api/v1/users/${adaId}`, { key: secondKey, body: { isDisabled: true } }),
    ]);
    // One of the two is an admin afterwards; whoever came second was refused, or was no admin any more.
    const admins = (await platform.accounts.members.list()).filter(
      (user) => user.role === "admin" && user.disabledAt === undefined && user.passwordHash !== undefined,
    );
    expect(admins).toHaveLength(1);
    expect(answers.map(({ status }) => status).filter((status) => status === 200)).toHaveLength(1);
    await platform.pool.query("update gantry_user set role = 'admin', disabled_at = null where email = $1", [
      ADMIN.email,
    ]);
    await platform.pool.query("update gantry_user set role = 'viewer' where email = 'second@example.com'");
    admin = (await logIn(url, ADMIN)).browser;
    const last = await asAdmin("PUT", `/api/v1/users/${adaId}`, { role: "developer" });
    expect(last.body.code).toBe("LAST_ADMIN");
  });
});

describe("a user's personal access token", () => {
  const headers = { "x-gantry-project": "proj_test", "x-gantry-environment": "prod" };

  test("does no more than its owner's role, whatever its scope is", async () => {
    const { browser } = await member(admin, url, "viewer", "reader@example.com");
    const { body, status } = await call("POST", "/api/v1/access-tokens", {
      key: await browser.token(),
      body: { name: "laptop", scopes: ["full"] },
    });
    expect(status).toBe(201);
    const key = String(body.token);
    expect((await call("GET", "/api/v1/runs", { key, headers })).status).toBe(200);
    const refused = await call("POST", "/api/v1/tasks/import/trigger", { key, headers, body: { payload: 1 } });
    expect(refused.body).toMatchObject({ code: "FORBIDDEN", details: { reason: "ROLE" } });
    expect((await call("GET", "/api/v2/whoami", { key, headers })).body.email).toBe("reader@example.com");
    expect((await call("GET", "/api/v1/users", { key })).body.code).toBe("FORBIDDEN");
  });

  test("is seen and revoked by its owner and by admins, by nobody else", async () => {
    const one = await member(admin, url, "developer", "one@example.com");
    const two = await member(admin, url, "developer", "two@example.com");
    const { body } = await call("POST", "/api/v1/access-tokens", {
      key: await one.browser.token(),
      body: { name: "ci" },
    });
    const names = async (key: string) =>
      ((await call("GET", "/api/v1/access-tokens", { key })).body.data as { id: string }[]).map(({ id }) => id);
    expect(await names(await one.browser.token())).toEqual([body.id]);
    expect(await names(await two.browser.token())).toEqual([]);
    expect(await names(await admin.token())).toContain(body.id);
    const revoke = (key: string) => call("POST", `/api/v1/access-tokens/${body.id}/revoke`, { key });
    expect((await revoke(await two.browser.token())).body.code).toBe("NOT_FOUND");
    expect((await revoke(await one.browser.token())).status).toBe(200);
  });

  test("of limited scope makes no others", async () => {
    const { browser } = await member(admin, url, "developer", "limited@example.com");
    const { body } = await call("POST", "/api/v1/access-tokens", {
      key: await browser.token(),
      body: { name: "ci", scopes: ["deploy"] },
    });
    const more = await call("POST", "/api/v1/access-tokens", { key: String(body.token), body: { name: "more" } });
    expect(more.body.code).toBe("FORBIDDEN");
  });
});

describe("who may read members and the audit log", () => {
  test("no key of an environment, whatever its scope", async () => {
    const { key } = await platform.projects.createKey((await platform.projects.environments())[0] as never, "full");
    for (const path of ["/api/v1/users", "/api/v1/audit"])
      expect((await call("GET", path, { key })).body).toMatchObject({ code: "FORBIDDEN" });
  });
});

describe("the operator on the command line", () => {
  const config = readConfig({
    GANTRY_PLATFORM_DATABASE_URL: databaseUrl,
    GANTRY_PLATFORM_ENCRYPTION_KEY: ENCRYPTION_KEY,
    GANTRY_PLATFORM_PUBLIC_URL: url,
    ...SIGN_IN_SETTINGS,
  });
  const run = async (...args: string[]) => JSON.parse(await runOperatorCommand("user", args, config));

  test("makes a link to a new password for whoever lost theirs", async () => {
    const { url: link } = await run("reset-password", ADMIN.email);
    expect(link).toMatch(new RegExp(`^${url}/invitation#`));
    expect((await accept(link, "a password from the operator")).answer.body).toMatchObject({ role: "admin" });
    await platform.pool.query("delete from sign_in_attempt");
  });

  test("makes an admin, and somebody else no admin any more", async () => {
    const made = await run("create", "--email", "ops@example.com", "--name", "Ops");
    await accept(made.url, "a password of the operator");
    expect(await run("set-role", ADMIN.email, "viewer")).toMatchObject({ role: "viewer" });
    expect(await run("set-role", ADMIN.email, "admin")).toMatchObject({ role: "admin" });
    const { entries } = await platform.accounts.audit.list({ actor: undefined, action: "users." }, { size: 5 });
    expect(entries.slice(0, 2).map(({ actor, details }) => [actor.kind, details.role])).toEqual([
      ["operator", "admin"],
      ["operator", "viewer"],
    ]);
  });

  test.each([
    ["an unknown user", ["set-role", "nobody@example.com", "admin"], /There is no user/],
    ["an unknown role", ["set-role", ADMIN.email, "king"], /no role; one of viewer/],
    ["nothing it knows", ["promote"], /Use: user list/],
    ["a set-up link once there is a user", ["setup-link"], /exists already/],
  ])("is told what is wrong with %s", async (_, args, want) => {
    await expect(run(...args)).rejects.toThrow(want);
  });
});
