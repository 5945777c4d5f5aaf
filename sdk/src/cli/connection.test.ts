import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cli, emptyFolder } from "../../test/support/fake-terminal.ts";
import { type ConnectionRequest, deploymentConnection, devDataDir, sessionNoteFile } from "./connection.ts";
import { credentialsFile, readStoredCredentials, storeCredentials } from "./credentials-file.ts";

const PAT = `gt_pat_${"a".repeat(32)}`;
const OTHER_PAT = `gt_pat_${"b".repeat(32)}`;
const KEY = `gt_prod_sk_${"k".repeat(24)}`;

/** A project of the name `shop` with these files, and a home of its own. */
function scene(files: Record<string, string> = {}) {
  const cwd = emptyFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(cwd, name), content);
  return { cwd, home: { XDG_CONFIG_HOME: emptyFolder() } };
}
const CONFIG = { "gantry.config.ts": `export default { project: "shop" };` };
const deploys = (request: Partial<ConnectionRequest> & { cwd: string }) =>
  deploymentConnection({ env: {}, flags: {}, ...request });

describe("a deploy's connection", () => {
  test("takes an access token of the shell, with the project of gantry.config and prod", async () => {
    const { cwd } = scene(CONFIG);
    const env = { GANTRY_API_URL: "https://gantry.example/", GANTRY_ACCESS_TOKEN: PAT, GANTRY_SECRET_KEY: KEY };
    expect(await deploys({ cwd, env })).toEqual({
      baseUrl: "https://gantry.example",
      token: PAT,
      source: "the environment",
      headers: { "x-gantry-project": "shop", "x-gantry-environment": "prod" },
    });
  });

  test("names the project and the environment of the flags before all others", async () => {
    const { cwd } = scene(CONFIG);
    const flags = { project: "other", env: "staging" };
    const { headers } = await deploys({ cwd, env: { GANTRY_ACCESS_TOKEN: PAT }, flags });
    expect(headers).toEqual({ "x-gantry-project": "other", "x-gantry-environment": "staging" });
  });

  test("leaves a key's environment to the key, and lets the platform compare where one is named", async () => {
    const { cwd } = scene(CONFIG);
    const env = { GANTRY_SECRET_KEY: KEY };
    expect((await deploys({ cwd, env })).headers).toEqual({});
    expect((await deploys({ cwd, env, flags: { env: "staging" } })).headers).toEqual({
      "x-gantry-environment": "staging",
    });
  });

  test("prefers what `gantry login` kept to a key of .env, which is the app's, and follows its address", async () => {
    const { cwd, home } = scene({ ...CONFIG, ".env": `GANTRY_SECRET_KEY=${KEY}` });
    storeCredentials(home, "https://one.example", PAT);
    storeCredentials(home, "https://two.example", OTHER_PAT);
    const current = await deploys({ cwd, env: home });
    expect(current).toMatchObject({ baseUrl: "https://two.example", token: OTHER_PAT, source: "`gantry login`" });
    const named = await deploys({ cwd, env: home, flags: { apiUrl: "https://one.example" } });
    expect(named).toMatchObject({ baseUrl: "https://one.example", token: PAT });
    const unknown = await deploys({ cwd, env: home, flags: { apiUrl: "https://three.example" } });
    expect(unknown).toMatchObject({ token: KEY, source: "the project's .env" });
  });

  test("never is the running `gantry dev`", async () => {
    const { cwd } = scene(CONFIG);
    mkdirSync(devDataDir(cwd), { recursive: true });
    const note = { pid: 1, apiUrl: "http://localhost:4400", secretKey: KEY };
    writeFileSync(sessionNoteFile(devDataDir(cwd)), JSON.stringify(note));
    await expect(deploys({ cwd })).rejects.toMatchObject({ code: "KEY_MISSING" });
  });

  test("says what is missing", async () => {
    const { cwd } = scene();
    await expect(deploys({ cwd })).rejects.toMatchObject({ code: "KEY_MISSING", exitCode: 2 });
    await expect(deploys({ cwd, env: { GANTRY_ACCESS_TOKEN: PAT } })).rejects.toMatchObject({
      code: "PROJECT_MISSING",
    });
  });
});

describe("gantry login", () => {
  const whoami = {
    credential: { kind: "access", scopes: ["deploy"] },
    platformVersion: "0.1.0",
    userId: "u",
    email: "",
    dashboardUrl: "",
  };
  const answer = () => ({ body: whoami });

  test("verifies the token, keeps it where only its owner reads it, and other commands use it", async () => {
    const { cwd, home: env } = scene(CONFIG);
    const argv = ["login", "--api-url", "https://one.example/", "--token", "-"];
    const { exitCode, out, requests } = await cli(argv, { env, cwd, stdin: `${PAT}\n`, answer });
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringContaining("https://one.example") as string });
    expect(out).not.toContain(PAT);
    expect(requests[0]).toMatchObject({ path: "/api/v2/whoami", key: `Bearer ${PAT}` });
    expect(statSync(credentialsFile(env) ?? "").mode & 0o777).toBe(0o600);
    const limits = await cli(["limits", "--env", "staging"], { env, cwd, answer: () => ({ body: {} }) });
    expect(limits.requests[0]?.key).toBe(`Bearer ${PAT}`);
    expect(limits.requests[0]?.headers.get("x-gantry-project")).toBe("shop");
    expect(limits.requests[0]?.headers.get("x-gantry-environment")).toBe("staging");
  });

  test("keeps nothing that the platform does not accept", async () => {
    const { cwd, home: env } = scene();
    const { exitCode, err } = await cli(["login", "--token", "-"], {
      env,
      cwd,
      stdin: PAT,
      answer: () => ({ status: 401, body: { error: "Unknown.", code: "UNAUTHORIZED" } }),
    });
    expect(exitCode).toBe(2);
    expect(err).toMatch(/does not accept the key from this login/);
    expect(readStoredCredentials(env)).toEqual({ profiles: {} });
  });

  test("asks nothing where there is no terminal to ask at, and says how to give the token", async () => {
    const { cwd, home: env } = scene();
    for (const stdin of [undefined, ""]) {
      const { exitCode, err, requests } = await cli(["login"], { env, cwd, ...(stdin === undefined ? {} : { stdin }) });
      expect(exitCode).toBe(2);
      expect(err).toMatch(/TOKEN_MISSING[\s\S]*--token -/);
      expect(requests).toEqual([]);
    }
  });

  test("refuses an environment's key, and names what takes it", async () => {
    const { cwd, home: env } = scene();
    const { err } = await cli(["login", "--token", KEY], { env, cwd });
    expect(err).toMatch(/no access token[\s\S]*GANTRY_SECRET_KEY/);
  });

  test("logout forgets the token", async () => {
    const { cwd, home: env } = scene();
    storeCredentials(env, "https://one.example", PAT);
    expect((await cli(["logout"], { env, cwd })).out).toBe("Logged out of https://one.example.");
    expect(readStoredCredentials(env)).toEqual({ profiles: {} });
    expect((await cli(["logout", "--api-url", "https://one.example"], { env, cwd })).out).toMatch(/no token/);
  });

  test("a file of credentials that is damaged is named", async () => {
    const { cwd, home: env } = scene();
    storeCredentials(env, "https://one.example", PAT);
    writeFileSync(credentialsFile(env) ?? "", "{");
    expect((await cli(["limits"], { env, cwd })).err).toMatch(/credentials\.json[\s\S]*CREDENTIALS_BROKEN/);
  });
});
