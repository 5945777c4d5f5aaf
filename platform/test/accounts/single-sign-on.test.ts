import { beforeAll, describe, expect, test } from "vitest";
import { BrowserClient } from "../support/browser-client.ts";
import { freePort } from "../support/free-port.ts";
import { CLIENT, identityProvider } from "../support/identity-provider.ts";
import { startRealPlatform } from "../support/real-platform.ts";
import { ADMIN, logIn, SIGN_IN_SETTINGS, setUp } from "../support/sign-in-acts.ts";

const port = await freePort();
const url = `http://127.0.0.1:${port}`;
const { issuer, people, signIn } = await identityProvider(`${url}/api/v1/auth/oidc/callback`);
const { platform } = await startRealPlatform({
  deploy: false,
  settings: {
    ...SIGN_IN_SETTINGS,
    GANTRY_PLATFORM_PORT: String(port),
    GANTRY_PLATFORM_PUBLIC_URL: url,
    GANTRY_PLATFORM_OIDC_ISSUER: issuer,
    GANTRY_PLATFORM_OIDC_CLIENT_ID: CLIENT.client_id,
    GANTRY_PLATFORM_OIDC_CLIENT_SECRET: CLIENT.client_secret,
    GANTRY_PLATFORM_OIDC_LABEL: "Sign in with Example",
    GANTRY_PLATFORM_OIDC_AUTO_PROVISION: "true",
    GANTRY_PLATFORM_OIDC_ROLE_CLAIM: "groups",
    GANTRY_PLATFORM_OIDC_ROLE_MAP: '{ "ops": "admin", "eng": "developer", "all": "viewer" }',
    GANTRY_PLATFORM_OIDC_DEFAULT_ROLE: "none",
  },
});

/** To the provider and back, in one browser; `tamper` is what happens to the way back. */
async function singleSignOn(who: string, tamper: (back: string) => string = (back) => back, returnTo = "/") {
  const browser = new BrowserClient(url);
  const start = await browser.send("GET", `/api/v1/auth/oidc/start?${new URLSearchParams({ returnTo })}`);
  const back = new URL(tamper(await signIn(String(start.headers.location), who)));
  const answer = await browser.send("GET", back.pathname + back.search);
  return { browser, start, back, answer, location: String(answer.headers.location) };
}

describe("single sign-on", () => {
  test("lets nobody in before the platform is set up", async () => {
    people.set("early", { email: "early@example.com", email_verified: true, groups: ["ops"] });
    const { location, browser } = await singleSignOn("early");
    expect(location).toBe("/sign-in?error=SIGN_IN_REFUSED&reason=NO_ACCOUNT");
    expect(await browser.session()).toMatchObject({ state: "setup", oidc: { label: "Sign in with Example" } });
    await setUp(url);
  });

  test("makes an account with the highest of its groups' roles, and goes on where one came from", async () => {
    people.set("grace", {
      email: "Grace@Example.com",
      email_verified: true,
      name: "Grace",
      groups: ["all", "eng", "x"],
    });
    const { browser, location, start } = await singleSignOn("grace", undefined, "/projects/a/b/runs?status=FAILED");
    expect(location).toBe("/projects/a/b/runs?status=FAILED");
    expect(await browser.session()).toMatchObject({
      state: "signedIn",
      role: "developer",
      user: { email: "grace@example.com", name: "Grace", hasPassword: false, hasSingleSignOn: true },
    });
    const cookie = [start.headers["set-cookie"] ?? []].flat().join();
    expect(cookie).toMatch(/HttpOnly; SameSite=Lax/);
    const query = new URL(String(start.headers.location)).searchParams;
    expect(query.get("code_challenge_method")).toBe("S256");
    expect(query.get("nonce")).toMatch(/./);
  });

  test("finds the same account by its subject, whatever its address is now; its groups set its role anew", async () => {
    people.set("grace", { email: "grace.hopper@example.com", email_verified: false, groups: ["ops"] });
    const { browser } = await singleSignOn("grace");
    expect(await browser.session()).toMatchObject({ role: "admin", user: { email: "grace@example.com" } });
  });

  test("links an account that was there, where the provider has verified the address", async () => {
    people.set("ada-at-idp", { email: ADMIN.email, email_verified: true, groups: ["ops"] });
    const { browser } = await singleSignOn("ada-at-idp");
    expect(await browser.session()).toMatchObject({
      user: { email: ADMIN.email, hasPassword: true, hasSingleSignOn: true },
    });
    expect((await logIn(url, ADMIN)).answer.status).toBe(200);
  });

  test("never takes the last admin's role: somebody must be able to repair the settings", async () => {
    people.set("grace", { groups: ["all"] });
    await singleSignOn("grace");
    people.set("ada-at-idp", { email: ADMIN.email, email_verified: true, groups: ["all"] });
    const { browser } = await singleSignOn("ada-at-idp");
    expect(await browser.session()).toMatchObject({ role: "admin" });
  });

  test("is in the audit log, with whom it let in and whom it refused", async () => {
    const { entries } = await platform.accounts.audit.list({ action: "auth.oidc.callback" }, { size: 50 });
    expect(entries.map(({ outcome, actor }) => [outcome, actor.name]).at(-1)).toEqual(["SIGN_IN_REFUSED", undefined]);
    expect(entries[0]).toMatchObject({ outcome: "ok", actor: { kind: "user", name: ADMIN.email } });
  });
});

describe("somebody whom the provider knows", () => {
  test.each([
    [
      "without a verified address",
      { email: "eve@example.com", email_verified: false, groups: ["eng"] },
      "EMAIL_UNVERIFIED",
    ],
    ["who says to be somebody here, unverified", { email: ADMIN.email, groups: ["eng"] }, "EMAIL_UNVERIFIED"],
    ["without an address", { groups: ["eng"] }, "NO_EMAIL"],
    ["without a group that has a role", { email: "eve@example.com", email_verified: true, groups: ["x"] }, "NO_ROLE"],
    [
      "who has the address of another person there",
      { email: "grace@example.com", email_verified: true, groups: ["eng"] },
      "OTHER_SUBJECT",
    ],
  ])("%s is refused with the reason", async (name, person, want) => {
    people.set(name, person);
    const { location, browser } = await singleSignOn(name);
    expect(location).toBe(`/sign-in?error=SIGN_IN_REFUSED&reason=${want}`);
    expect(await browser.session()).toMatchObject({ state: "signedOut" });
  });

  test("whose account an admin closed is refused", async () => {
    people.set("closed", { email: "closed@example.com", email_verified: true, groups: ["eng"] });
    await singleSignOn("closed");
    await platform.pool.query("update gantry_user set disabled_at = now() where email = 'closed@example.com'");
    expect((await singleSignOn("closed")).location).toContain("reason=DISABLED");
  });
});

describe("a way back that is not the one that was begun", () => {
  beforeAll(() => {
    people.set("mallory", { email: "mallory@example.com", email_verified: true, groups: ["eng"] });
  });
  const change = (name: string, value: string) => (back: string) => {
    const url = new URL(back);
    url.searchParams.set(name, value);
    return url.href;
  };

  test.each([
    ["with another state", change("state", "another")],
    ["with another code", change("code", "another")],
    ["with another issuer", change("iss", "https://evil.example")],
    ["with the provider's refusal", change("error", "access_denied")],
  ])("is refused: %s", async (_, tamper) => {
    const { location, browser } = await singleSignOn("mallory", tamper);
    expect(location).toBe("/sign-in?error=SINGLE_SIGN_ON_FAILED");
    expect(await browser.session()).toMatchObject({ state: "signedOut" });
  });

  test("is refused in a browser that did not begin it: nobody is signed in as somebody else", async () => {
    const { headers } = await new BrowserClient(url).send("GET", "/api/v1/auth/oidc/start");
    const back = new URL(await signIn(String(headers.location), "mallory"));
    const victim = new BrowserClient(url);
    const { headers: answered } = await victim.send("GET", back.pathname + back.search);
    expect(answered.location).toBe("/sign-in?error=SINGLE_SIGN_ON_FAILED");
  });

  test("is refused the second time", async () => {
    const { browser, back } = await singleSignOn("mallory");
    const { headers } = await browser.send("GET", back.pathname + back.search);
    expect(headers.location).toBe("/sign-in?error=SINGLE_SIGN_ON_FAILED");
  });

  test("is refused where the answer is for another nonce: one that was stolen from another sign-in", async () => {
    const { OpenIdProvider } = await import("../../src/adapters/openid-client/openid-provider.ts");
    const provider = new OpenIdProvider({
      issuer,
      clientId: CLIENT.client_id,
      clientSecret: CLIENT.client_secret,
      scopes: "openid email",
      label: "x",
      allowHttp: true,
    });
    const { url: at, transaction } = await provider.begin(`${url}/api/v1/auth/oidc/callback`);
    const back = await signIn(at, "mallory");
    await expect(provider.finish(back, { ...transaction, nonce: "another" })).rejects.toMatchObject({
      code: "SINGLE_SIGN_ON_FAILED",
    });
  });

  test.each(["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a b"])(
    "never leads to another site: %s",
    async (returnTo) => {
      expect((await singleSignOn("mallory", undefined, returnTo)).location).toBe("/");
    },
  );
});

test("a provider that is away is said to be, and nobody waits for it", async () => {
  const { OpenIdProvider } = await import("../../src/adapters/openid-client/openid-provider.ts");
  const away = new OpenIdProvider({
    issuer: `http://127.0.0.1:${await freePort()}`,
    clientId: "x",
    clientSecret: undefined,
    scopes: "openid",
    label: "x",
    allowHttp: true,
  });
  await expect(away.begin(`${url}/api/v1/auth/oidc/callback`)).rejects.toMatchObject({ code: "SINGLE_SIGN_ON_FAILED" });
});
