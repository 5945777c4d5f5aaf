import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { runs, tasks } from "@gantry/sdk";
import { expect, onTestFinished, test } from "vitest";
import { descendants, livingOf } from "../.make/demo/processes.mjs";
import { freePort } from "../platform/test/support/free-port.ts";
import { devProcess } from "../sdk/test/support/dev-process.ts";

const ROOT = join(import.meta.dirname, "..");
const CLI = join(ROOT, "sdk/dist/cli/main.js");

function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** A user's project outside of this repository, with the packages as built. */
function userProject(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-e2e-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
  write(folder, { "package.json": `{"name":"shop","type":"module"}`, ...files });
  mkdirSync(join(folder, "node_modules/@gantry"), { recursive: true });
  for (const [name, target] of [
    ["sdk", "sdk"],
    ["platform", "platform"],
  ] as const) {
    symlinkSync(join(ROOT, target), join(folder, "node_modules/@gantry", name), "junction");
  }
  return folder;
}

/** Runs `gantry …` in the project: no key is needed beside a running `gantry dev`. */
async function gantry(cwd: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { GANTRY_SECRET_KEY: _key, GANTRY_API_URL: _url, ...env } = process.env;
  return promisify(execFile)(process.execPath, [CLI, ...args], { cwd, env }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      out: error.stdout,
      err: error.stderr,
    }),
  );
}

const task = (word: string) => `import { logger, metadata, task } from "@gantry/sdk";
export const greet = task({
  id: "greet",
  run: async (payload: { name: string }) => {
    logger.info("greeting", { name: payload.name });
    console.log("plain line");
    metadata.set("word", "${word}");
    return { text: "${word}, " + payload.name + "!", color: process.env.COLOR };
  },
});
export const slow = task({
  id: "slow",
  run: async (payload: { file: string }) => {
    const { existsSync } = await import("node:fs");
    while (!existsSync(payload.file)) await new Promise((next) => setTimeout(next, 50));
    return "${word}";
  },
});
export const broken = task({
  id: "broken",
  run: async () => {
    throw new Error("it broke");
  },
});
`;

test("a project is run, changed while it runs, watched by the CLI, and stopped without a trace", async () => {
  const project = userProject({ "tasks/greet.ts": task("Hello"), ".env": "COLOR=red" });
  const dev = devProcess(project, { port: await freePort() });
  const ready = await dev.next(({ event }) => event === "ready");
  const first = await dev.next(({ event }) => event === "deployed");

  const done = await gantry(project, "trigger", "greet", "--payload", '{"name":"Ada"}', "--wait", "--json");
  expect(JSON.parse(done.out)).toMatchObject({ status: "COMPLETED", output: { text: "Hello, Ada!", color: "red" } });
  const { id } = JSON.parse(done.out) as { id: string };
  expect((await gantry(project, "runs", "logs", id)).out).toMatch(/info +greeting \{"name":"Ada"\}[\s\S]*plain line/);
  expect(JSON.parse((await gantry(project, "runs", "get", id, "--json")).out)).toMatchObject({
    version: first.version,
    metadata: { word: "Hello" },
  });

  const failed = await gantry(project, "trigger", "broken", "--wait");
  expect(failed.code).toBe(1);
  expect(failed.err).toMatch(/Error: it broke\n\s+at .*tasks\/greet\.ts:\d+:\d+/);

  const gate = join(project, "gate");
  const slow = await gantry(project, "trigger", "slow", "--payload", JSON.stringify({ file: gate }));
  await dev.next((event) => event.event === "run" && event.status === "EXECUTING" && event.id === slow.out.trim());
  write(project, { "tasks/greet.ts": task("Bonjour") });
  const second = await dev.next(({ event }) => event === "deployed");
  expect(second.version).not.toBe(first.version);
  const again = await gantry(project, "trigger", "greet", "--payload", '{"name":"Ada"}', "--wait", "--json");
  expect(JSON.parse(again.out)).toMatchObject({ output: { text: "Bonjour, Ada!" } });
  writeFileSync(gate, "");
  const kept = await gantry(project, "runs", "watch", slow.out.trim(), "--json");
  expect(
    kept.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object)
      .at(-1),
  ).toMatchObject({ status: "COMPLETED", output: "Hello" });

  const clientConfig = { baseURL: String(ready.apiUrl), secretKey: String(ready.secretKey) };
  const handle = await tasks.trigger("greet", { name: "Bo" }, {}, { clientConfig });
  const polled = await runs.poll(handle.id, { pollIntervalMs: 50 }, { clientConfig });
  expect(polled.output).toEqual({ text: "Bonjour, Bo!", color: "red" });

  const list = await gantry(project, "runs", "list", "--json");
  expect((JSON.parse(list.out) as { taskIdentifier: string }[]).map((run) => run.taskIdentifier)).toEqual([
    "greet",
    "greet",
    "slow",
    "broken",
    "greet",
  ]);
  expect((await gantry(project, "whoami")).out).toContain("shop");
  expect((await gantry(project, "queues", "list")).out).toContain("task/greet");
  expect((await gantry(project, "trigger", "greeet")).err).toMatch(/did you mean/i);

  const family = await descendants(dev.pid);
  expect(family.length).toBeGreaterThan(3);
  dev.interrupt();
  expect(await dev.ended).toBe(0);
  expect(await livingOf(family)).toEqual([]);
  await expect(fetch(`${String(ready.apiUrl)}/healthz`)).rejects.toThrow();
}, 120_000);

test("data stays between sessions: a run that waits is run by the next one, under the same key", async () => {
  const project = userProject({ "tasks/greet.ts": task("Hello") });
  const port = await freePort();
  const first = devProcess(project, { port });
  const { secretKey } = await first.next(({ event }) => event === "ready");
  await first.next(({ event }) => event === "deployed");
  await gantry(project, "admin", "pause");
  const { out } = await gantry(project, "trigger", "greet", "--payload", '{"name":"Ada"}');
  expect((await gantry(project, "runs", "explain", out.trim())).out).toContain("QUEUED");
  first.interrupt();
  await first.ended;

  const second = devProcess(project, { port });
  expect((await second.next(({ event }) => event === "ready")).secretKey).toBe(secretKey);
  await gantry(project, "admin", "resume");
  const watched = await gantry(project, "runs", "watch", out.trim(), "--json");
  expect(watched.out.trim().split("\n").at(-1)).toContain("Hello, Ada!");
  expect(readFileSync(join(project, ".gantry/dev/platform.log"), "utf8")).not.toContain(String(secretKey));
}, 120_000);

test("nothing is left of a session that is killed, or that is interrupted before it is ready", async () => {
  const project = userProject({ "tasks/greet.ts": task("Hello") });
  const killed = devProcess(project, { port: await freePort() });
  await killed.next(({ event }) => event === "deployed");
  const family = await descendants(killed.pid);
  process.kill(killed.pid, "SIGKILL");
  await killed.ended;
  await expect.poll(() => livingOf(family), { timeout: 15_000 }).toEqual([]);

  const hasty = devProcess(project, { port: await freePort() });
  await hasty.next(({ event }) => event === "step");
  await expect.poll(async () => (await descendants(hasty.pid)).length, { timeout: 15_000 }).toBeGreaterThan(1);
  const started = await descendants(hasty.pid);
  hasty.interrupt();
  await hasty.ended;
  expect(await livingOf(started)).toEqual([]);
}, 120_000);
