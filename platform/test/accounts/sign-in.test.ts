import { beforeAll, describe, expect, test } from "vitest";
import { BrowserClient } from "../support/browser-client.ts";
import { startRealPlatform } from "../support/real-platform.ts";
import { caller } from "../support/served-http.ts";
import { ADMIN, logIn, member, SETUP_SECRET, SIGN_IN_SETTINGS } from "../support/sign-in-acts.ts";

const { url, platform } = await startRealPlatform({ settings: SIGN_IN_SETTINGS });
const call = caller(url);
const SESSION = "gantry_session";
const PROD = { project: "proj_test", environment: "prod" };

async function auditOf(action: string) {
  const { entries } = await platform.accounts.audit.list({ action }, { size: 200 });
  return entries;
}

describe("the first user", () => {
  const first = (email: string, setupSecret = SETUP_SECRET) => ({ ...ADMIN, email, setupSecret });

  test("is not made by a stranger who does not know the secret", async () => {
    const browser = new BrowserClient(url);
    expect(await browser.session()).toMatchObject({ state: "setup", environments: [] });
    const { status, body } = await browser.post(
      "/api/v1/auth/setup",
      first("eve@example.com", "a guess of the secret"),
    );
    expect([status, body.code]).toEqual([403, "SETUP_SECRET_WRONG"]);
    expect(await browser.session()).toMatchObject({ state: "setup" });
  });

  test("is not made with a poor password", async () => {
    const browser = new BrowserClient(url);
    await browser.session();
    const { status, body } = await browser.post("/api/v1/auth/setup", {
      ...first("ada@example.com"),
      password: "short",
    });
    expect([status, body.code]).toEqual([422, "PASSWORD_REFUSED"]);
  });

  test("is one, however many try at the same time, and nobody after that", async () => {
    const browsers = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const browser = new BrowserClient(url);
        await browser.session();
        return browser;
      }),
    );
    const answers = await Promise.all(
      browsers.map((browser, index) =>
        browser.post("/api/v1/auth/setup", first(index === 0 ? ADMIN.email : `other${index}@example.com`)),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409]);
    const winner = answers.find(({ status }) => status === 200);
    expect(winner?.body).toMatchObject({ state: "signedIn", role: "admin" });
    const users = await platform.accounts.members.list();
    expect(users).toHaveLength(1);
    // The tests below sign in as ADMIN, whoever won.
    await platform.pool.query("update gantry_user set email = $1", [ADMIN.email]);
    const late = await browsers[0]?.post("/api/v1/auth/setup", first("late@example.com"));
    expect(late?.body.code).toBe("SETUP_DONE");
    expect(await auditOf("auth.setup")).toHaveLength(7);
  });
});

describe("signing in", () => {
  test("gives a session whose cookie no script and no other site sees", async () => {
    const { answer, browser } = await logIn(url, ADMIN);
    expect(answer.body).toMatchObject({
      state: "signedIn",
      role: "admin",
      user: { email: ADMIN.email, hasPassword: true },
      environments: [PROD, { ...PROD, environment: "staging" }],
    });
    const [cookie] = [answer.headers["set-cookie"] ?? []].flat().filter((each) => each.startsWith(`${SESSION}=`));
    expect(cookie).toMatch(/; Path=\/api\/v1\/auth; .*HttpOnly; SameSite=Strict/);
    expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
    expect(await browser.session()).toMatchObject({ state: "signedIn" });
  });

  test("finds the account whatever the case of its address", async () => {
    const { answer } = await logIn(url, { ...ADMIN, email: "ADA@Example.com" });
    expect(answer.status).toBe(200);
  });

  test("says the same of an unknown account and of a wrong password", async () => {
    const wrong = await logIn(url, { ...ADMIN, password: "not the password" });
    const unknown = await logIn(url, { ...ADMIN, email: "nobody@example.com" });
    expect([wrong.answer.status, unknown.answer.status]).toEqual([401, 401]);
    expect(unknown.answer.body).toEqual(wrong.answer.body);
    expect(unknown.browser.cookies.has(SESSION)).toBe(false);
    const [second, first] = await auditOf("auth.login");
    expect([first?.target, second?.target]).toEqual([ADMIN.email, undefined]);
  });

  test("does the same work for an unknown account", async () => {
    const asked: string[] = [];
    const { signIn } = platform.accounts;
    // What takes the time is one comparison of a password: both do it once. The clock would say the same, less surely.
    const { Argon2Passwords } = await import("../../src/adapters/hash-wasm/argon2-passwords.ts");
    const verify = Argon2Passwords.prototype.verify;
    Argon2Passwords.prototype.verify = function (password, hash) {
      asked.push(hash.split("$").slice(0, 4).join("$"));
      return verify.call(this, password, hash);
    };
    const origin = { address: "192.0.2.1", userAgent: undefined };
    for (const email of [ADMIN.email, "nobody@example.com"])
      await expect(signIn.logIn({ email, password: "not the password" }, origin)).rejects.toMatchObject({
        code: "BAD_CREDENTIALS",
      });
    Argon2Passwords.prototype.verify = verify;
    expect(asked).toEqual(["$argon2id$v=19$m=19456,t=2,p=1", "$argon2id$v=19$m=19456,t=2,p=1"]);
  });

  test("never goes on with a session that the browser brought along", async () => {
    const planted = "p".repeat(43);
    const browser = new BrowserClient(url);
    browser.cookies.set(SESSION, planted);
    await browser.session();
    await browser.post("/api/v1/auth/login", { email: ADMIN.email, password: ADMIN.password });
    expect(browser.cookies.get(SESSION)).not.toBe(planted);
    const attacker = new BrowserClient(url);
    attacker.cookies.set(SESSION, planted);
    expect(await attacker.session()).toMatchObject({ state: "signedOut" });
  });

  test("ends the session that was there before", async () => {
    const { browser } = await logIn(url, ADMIN);
    const before = browser.cookies.get(SESSION) as string;
    await browser.post("/api/v1/auth/login", { email: ADMIN.email, password: ADMIN.password });
    const old = new BrowserClient(url);
    old.cookies.set(SESSION, before);
    expect(await old.session()).toMatchObject({ state: "signedOut" });
  });

  test("is stopped for one account from one address after ten tries, and for nobody else", async () => {
    const admin = await logIn(url, ADMIN);
    await member(admin.browser, url, "viewer", "guessed@example.com");
    const tried = [];
    for (let i = 0; i < 12; i++)
      tried.push((await logIn(url, { email: "guessed@example.com", password: `guess number ${i}` })).answer);
    expect(tried.slice(0, 10).map(({ status }) => status)).toEqual(Array(10).fill(401));
    expect(tried.at(-1)).toMatchObject({ status: 429, body: { code: "RATE_LIMITED" } });
    expect(Number(tried.at(-1)?.headers["retry-after"])).toBeGreaterThan(60);
    expect((await logIn(url, ADMIN)).answer.status).toBe(200);
    await platform.pool.query("delete from sign_in_attempt");
  });
});

describe("what another site makes a browser send", () => {
  const change = { currentPassword: ADMIN.password, newPassword: "another fine password" };
  test.each([
    ["without the header that repeats the token", { without: ["csrf" as const] }],
    ["without an Origin", { without: ["origin" as const] }],
    ["with another Origin", { headers: { origin: "https://evil.example" } }],
    ["with the Origin null", { headers: { origin: "null" } }],
    ["with the token of another session", { headers: { "x-gantry-csrf": "A".repeat(43) } }],
  ])("is refused: a change %s", async (_, more) => {
    const { browser } = await logIn(url, ADMIN);
    const { status, body } = await browser.post("/api/v1/auth/password", change, more);
    expect([status, body.code]).toEqual([403, "CSRF_REFUSED"]);
    const token = await browser.post("/api/v1/auth/session/token", {}, more);
    expect(token.body.code).toBe("CSRF_REFUSED");
  });

  test("is refused for a sign-in too: nobody is signed in as somebody else unawares", async () => {
    const browser = new BrowserClient(url);
    const { body } = await browser.post("/api/v1/auth/login", ADMIN, { headers: { origin: "https://evil.example" } });
    expect(body.code).toBe("CSRF_REFUSED");
  });
});

describe("a session's token", () => {
  test("is good for the environment it was made for, and for no other", async () => {
    const { browser } = await logIn(url, ADMIN);
    const key = await browser.token(PROD);
    expect(await call("GET", "/api/v1/runs", { key })).toMatchObject({ status: 200 });
    expect((await call("GET", "/api/v2/whoami", { key })).body).toMatchObject({
      email: ADMIN.email,
      environment: { slug: "prod" },
      credential: { kind: "user", scopes: ["admin"] },
    });
    const other = await call("GET", "/api/v1/runs", { key, headers: { "x-gantry-environment": "staging" } });
    expect(other.body.code).toBe("FORBIDDEN");
    expect((await call("GET", "/api/v1/runs", { key: await browser.token() })).body.code).toBe("BAD_REQUEST");
  });

  test("works no more once its session has ended", async () => {
    const { browser } = await logIn(url, ADMIN);
    const key = await browser.token(PROD);
    expect((await call("GET", "/api/v1/runs", { key })).status).toBe(200);
    await browser.post("/api/v1/auth/logout");
    expect((await call("GET", "/api/v1/runs", { key })).body.code).toBe("UNAUTHORIZED");
  });

  test.each([
    ["whose signature is another's", (token: string) => `${token.slice(0, -6)}AAAAAA`],
    ["that is unsigned", () => `gt_usr_${unsigned({ sub: "local", exp: 9_999_999_999, aud: "gantry:session" })}`],
    ["that names no session", () => "gt_usr_eyJhbGciOiJIUzI1NiJ9.e30.AAAA"],
  ])("%s is refused", async (_, forge) => {
    const { browser } = await logIn(url, ADMIN);
    const key = forge(await browser.token(PROD));
    expect((await call("GET", "/api/v1/runs", { key })).body.code).toBe("UNAUTHORIZED");
  });

  test("is not made for a stranger", async () => {
    const browser = new BrowserClient(url);
    await browser.session();
    const { status, body } = await browser.post("/api/v1/auth/session/token", PROD);
    expect([status, body.code]).toEqual([401, "NOT_SIGNED_IN"]);
  });
});

function unsigned(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none", typ: "JWT" })}.${part(claims)}.`;
}

describe("one's own sessions", () => {
  let mine: BrowserClient;
  beforeAll(async () => {
    const admin = (await logIn(url, ADMIN)).browser;
    mine = (await member(admin, url, "developer", "dev@example.com")).browser;
  });

  test("are listed, ended one by one, and ended all but this one", async () => {
    const again = () => logIn(url, { email: "dev@example.com", password: "a fine password developer" });
    const [second, third] = [await again(), await again()];
    const list = (await mine.send("GET", "/api/v1/auth/sessions")).body.data as { id: string; isCurrent: boolean }[];
    expect(list.map(({ isCurrent }) => isCurrent).sort()).toEqual([false, false, true]);
    const secondId = ((await second.browser.send("GET", "/api/v1/auth/sessions")).body.data as typeof list).find(
      ({ isCurrent }) => isCurrent,
    )?.id;
    expect((await mine.post(`/api/v1/auth/sessions/${secondId}/revoke`)).status).toBe(200);
    expect(await second.browser.session()).toMatchObject({ state: "signedOut" });
    expect((await mine.post("/api/v1/auth/sessions/revoke-others")).body).toEqual({ revoked: 1 });
    expect(await third.browser.session()).toMatchObject({ state: "signedOut" });
    expect(await mine.session()).toMatchObject({ state: "signedIn" });
  });

  test("are nobody else's to end", async () => {
    const admin = (await logIn(url, ADMIN)).browser;
    const [{ id } = { id: "" }] = (await admin.send("GET", "/api/v1/auth/sessions")).body.data as { id: string }[];
    expect((await mine.post(`/api/v1/auth/sessions/${id}/revoke`)).body.code).toBe("NOT_FOUND");
    expect(await admin.session()).toMatchObject({ state: "signedIn" });
  });

  test("end with a change of the password, all but the one that changed it", async () => {
    const other = (await logIn(url, { email: "dev@example.com", password: "a fine password developer" })).browser;
    const token = await other.token(PROD);
    const refused = await mine.post("/api/v1/auth/password", {
      currentPassword: "not the password",
      newPassword: "another fine password",
    });
    expect(refused.body.code).toBe("BAD_CREDENTIALS");
    const changed = await mine.post("/api/v1/auth/password", {
      currentPassword: "a fine password developer",
      newPassword: "another fine password",
    });
    expect(changed.status).toBe(200);
    expect(await other.session()).toMatchObject({ state: "signedOut" });
    expect((await call("GET", "/api/v1/runs", { key: token })).status).toBe(401);
    expect(await mine.session()).toMatchObject({ state: "signedIn" });
  });

  test("end when nobody used them for a week, and a month after they began", async () => {
    const { browser } = await logIn(url, ADMIN);
    await browser.session();
    const hash = "token_hash = sha256($1)";
    const cookie = Buffer.from(browser.cookies.get(SESSION) as string);
    await platform.pool.query(`update user_session set last_seen_at = now() - interval '8 days' where ${hash}`, [
      cookie,
    ]);
    expect(await browser.session()).toMatchObject({ state: "signedOut" });
    await platform.pool.query(
      `update user_session set last_seen_at = now(), expires_at = now() - interval '1 second' where ${hash}`,
      [cookie],
    );
    expect(await browser.session()).toMatchObject({ state: "signedOut" });
  });
});
