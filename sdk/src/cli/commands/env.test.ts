import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { describe, expect, test } from "vitest";
import { type CliOptions, cli, emptyFolder, type SeenRequest } from "../../../test/support/fake-terminal.ts";

const PATH = "/api/v1/projects/shop/envvars/prod";
const variable = (name: string, value: string, isSecret = false) => ({
  name,
  value: isSecret ? "<redacted>" : value,
  isSecret,
  updatedAt: "2026-01-01T11:00:00.000Z",
});
const VARIABLES = [
  variable("LINES", "a\nb"),
  variable("TOKEN", "", true),
  variable("URL", "https://x.example/?a=1&b='2'"),
];

const answer = ({ path, method }: SeenRequest) => {
  if (path === "/api/v2/whoami")
    return {
      body: { project: { ref: "shop" }, environment: { slug: "prod" }, credential: { kind: "key", scopes: [] } },
    };
  const one = VARIABLES.find(({ name }) => path === `${PATH}/${name}`);
  if (method !== "GET") return { body: { success: true } };
  return one === undefined ? { body: VARIABLES } : { body: one };
};
const env = (argv: string[], options: CliOptions = {}) => cli(["env", ...argv], { answer, ...options });

describe("gantry env", () => {
  test("lists names and values, and never a secret's", async () => {
    const { out } = await env(["list"]);
    expect(out.split("\n").map((line) => line.replaceAll(/ +/g, " "))).toEqual([
      "NAME VALUE CHANGED",
      "LINES a⏎b 1h ago",
      "TOKEN (secret) 1h ago",
      "URL https://x.example/?a=1&b='2' 1h ago",
    ]);
  });

  test("gets a value alone; a secret's is refused", async () => {
    expect((await env(["get", "URL"])).out).toBe("https://x.example/?a=1&b='2'");
    const refused = await env(["get", "TOKEN"]);
    expect(refused).toMatchObject({ exitCode: 2, out: "" });
    expect(refused.err).toMatch(/it is a secret/);
  });

  test("sets a secret from standard input and echoes it nowhere", async () => {
    const { out, err, requests } = await env(["set", "TOKEN", "--secret"], { stdin: "open sesame\n" });
    expect(requests.at(-1)).toMatchObject({
      method: "POST",
      path: `${PATH}/import`,
      body: { variables: { TOKEN: "open sesame" }, override: true, isSecret: true },
    });
    expect(out + err).toBe("TOKEN set. Runs that start from now on see it.");
  });

  test("sets nothing where there is neither a value nor somebody to ask", async () => {
    const { exitCode, err, requests } = await env(["set", "TOKEN"]);
    expect(exitCode).toBe(2);
    expect(err).toMatch(/VALUE_MISSING/);
    expect(requests.filter(({ method }) => method === "POST")).toEqual([]);
  });

  test("imports a file, and only what is new with --no-override", async () => {
    const cwd = emptyFolder();
    writeFileSync(join(cwd, "prod.env"), "A=1\nB='two words'\n");
    const { requests } = await env(["import", "prod.env", "--no-override"], { cwd });
    expect(requests.at(-1)?.body).toEqual({ variables: { A: "1", B: "two words" }, override: false });
    expect((await env(["import", "nothing.env"], { cwd })).err).toMatch(/FILE_NOT_FOUND/);
  });

  test("pulls a file that reads back as it was, for its owner alone, and replaces none unasked", async () => {
    const cwd = emptyFolder();
    const { err } = await env(["pull", "pulled.env"], { cwd });
    expect(err).toMatch(/2 variables written[\s\S]*1 left out/);
    expect(parseEnv(readFileSync(join(cwd, "pulled.env"), "utf8"))).toEqual({
      LINES: "a\nb",
      URL: "https://x.example/?a=1&b='2'",
    });
    expect((await env(["pull", "pulled.env"], { cwd })).err).toMatch(/FILE_EXISTS/);
    expect((await env(["pull", "pulled.env", "--force"], { cwd })).exitCode).toBe(0);
  });

  test("removes several, and takes a person's environment from the flags", async () => {
    const { requests } = await cli(["env", "unset", "A", "B", "--project", "shop", "--env", "prod"], {
      env: { GANTRY_ACCESS_TOKEN: `gt_pat_${"a".repeat(32)}` },
      answer,
    });
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([`DELETE ${PATH}/A`, `DELETE ${PATH}/B`]);
  });

  test("prints JSON for scripts", async () => {
    expect(JSON.parse((await env(["list", "--json"])).out)).toEqual(VARIABLES);
    expect(JSON.parse((await env(["set", "A", "1", "--json"])).out)).toEqual({ set: ["A"] });
  });
});
