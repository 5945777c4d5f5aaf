import { createSigner } from "fast-jwt";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { KEY, OTHER, OTHER_KEY, PROD } from "../../test/support/served-http.ts";
import { createPublicTokens, looksPublic } from "./public-tokens.ts";

const secret = "s".repeat(32);
const clock = new FakeClock();
const tokens = createPublicTokens({
  secrets: [secret],
  clock,
  projects: {
    signingKeys: async (id) => (id === 1 ? [`gt_prod_sk_${"r".repeat(24)}`, KEY] : id === 2 ? [OTHER_KEY] : []),
    environmentById: async (id) => [PROD, OTHER].find((environment) => environment.id === id),
  },
});
const seconds = Math.floor(clock.now() / 1000);
const claims = {
  sub: "env_1",
  pub: true,
  scopes: ["read:runs"],
  iss: "https://id.trigger.dev",
  aud: "https://api.trigger.dev",
  exp: seconds + 60,
};
const signed = (key: string, change: object = {}, kid?: string) =>
  createSigner({ key, algorithm: "HS256", noTimestamp: true, ...(kid === undefined ? {} : { kid }) })({
    ...claims,
    ...change,
  });
const unsigned = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url")}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.`;

describe("a public token", () => {
  test("of the platform's own is what it was made for", async () => {
    const token = tokens.issue(PROD, { scopes: ["read:runs:run_1"], expiresInSeconds: 60, oneTimeUse: true });
    expect(looksPublic(token)).toBe(true);
    expect(await tokens.verify(token)).toMatchObject({
      kind: "public",
      environment: PROD,
      scopes: ["read:runs:run_1"],
      oneTimeUse: true,
    });
  });

  test("that an earlier secret of the platform signed is good while that is known, and new ones are by the new", async () => {
    const projects = { signingKeys: async () => [], environmentById: async () => PROD };
    const next = "n".repeat(32);
    const both = createPublicTokens({ secrets: [next, secret], clock, projects });
    const only = createPublicTokens({ secrets: [next], clock, projects });
    const old = tokens.issue(PROD, { scopes: ["read:runs"], expiresInSeconds: 60 });
    await expect(both.verify(old)).resolves.toMatchObject({ scopes: ["read:runs"] });
    await expect(only.verify(old)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    await expect(only.verify(both.issue(PROD, { scopes: [], expiresInSeconds: 60 }))).resolves.toBeDefined();
  });

  test("that a client signed with any key of its environment is good", async () => {
    expect(await tokens.verify(signed(KEY))).toMatchObject({ environment: PROD, scopes: ["read:runs"] });
  });

  test("ends with its time", async () => {
    const moving = new FakeClock(clock.now());
    const own = createPublicTokens({
      secrets: [secret],
      clock: moving,
      projects: { signingKeys: async () => [], environmentById: async () => PROD },
    });
    const token = own.issue(PROD, { scopes: [], expiresInSeconds: 60 });
    moving.advance(59_000);
    await expect(own.verify(token)).resolves.toBeDefined();
    moving.advance(2_000);
    await expect(own.verify(token)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
  });

  const refused: Record<string, string> = {
    "signed with a key of another environment": signed(OTHER_KEY),
    "signed with a key of another environment that says it is the platform's": signed(OTHER_KEY, {}, "gantry"),
    "signed by nobody": unsigned,
    "for an environment that is not there": signed(KEY, { sub: "env_9" }),
    "for no environment": signed(KEY, { sub: "me" }),
    "that does not say that it is public": signed(KEY, { pub: false }),
    "of another issuer": signed(KEY, { iss: "https://evil.example" }),
    "for another audience": signed(KEY, { aud: "gantry:packet" }),
    "that never ends": signed(KEY, { exp: undefined }),
    "that was changed": signed(KEY).replace(
      /\.[^.]+\./,
      `.${Buffer.from(JSON.stringify({ ...claims, scopes: ["admin"] })).toString("base64url")}.`,
    ),
    "that is no token": "a.b.c",
  };
  test.each(Object.entries(refused))("%s is refused", async (_title, token) => {
    await expect(tokens.verify(token)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });
});
