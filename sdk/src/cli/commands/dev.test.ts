import { once } from "node:events";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../../../../platform/test/support/free-port.ts";
import { devProcess } from "../../../test/support/dev-process.ts";
import { taskFile, tempProject, writeFiles } from "../../../test/support/temp-project.ts";

/** A project whose platform is a stand-in. */
function project(files: Record<string, string>): string {
  const folder = tempProject(files);
  const platform = join(folder, "node_modules/@gantry/platform");
  mkdirSync(join(platform, "dist"), { recursive: true });
  writeFileSync(join(platform, "package.json"), JSON.stringify({ name: "@gantry/platform", type: "module" }));
  copyFileSync(join(import.meta.dirname, "../../../test/support/fake-platform.mjs"), join(platform, "dist/main.js"));
  return folder;
}

const is = (event: string) => (told: { event: string }) => told.event === event;

test("each change of the code is a new version, a broken one keeps the last, and Ctrl-C ends everything", async () => {
  const folder = project({ "tasks/a.ts": taskFile("a") });
  const port = await freePort();
  const dev = devProcess(folder, { port });
  const ready = await dev.next(is("ready"));
  expect(ready).toMatchObject({
    apiUrl: `http://localhost:${port}`,
    secretKey: expect.stringMatching(/^gt_dev_sk_[0-9A-Za-z]{24}$/) as string,
  });
  expect(await dev.next(is("deployed"))).toMatchObject({ version: "20260101.1", tasks: ["a"], isFirst: true });

  writeFiles(folder, { "tasks/a.ts": "export const = ;" });
  expect(await dev.next(is("broken"))).toMatchObject({ code: "BUILD_FAILED", keepsVersion: "20260101.1" });
  writeFiles(folder, { "tasks/a.ts": "throw new Error('boom');" });
  expect(await dev.next(is("broken"))).toMatchObject({ code: "TASK_FILE_THREW" });
  writeFiles(folder, { "tasks/a.ts": taskFile("a", "return 2;") });
  expect(await dev.next(is("deployed"))).toMatchObject({ version: "20260101.2", tasks: ["a"], isFirst: false });
  writeFiles(folder, { "tasks/b.ts": taskFile("b") });
  expect(await dev.next(is("deployed"))).toMatchObject({ version: "20260101.3", tasks: ["a", "b"] });
  writeFiles(folder, { "gantry.config.ts": "export default { retries: { enabledInDev: true } };" });
  expect(await dev.next(is("deployed"))).toMatchObject({ version: "20260101.4" });
  writeFiles(folder, { ".env": "COLOR=red" });
  expect(await dev.next(is("deployed"))).toMatchObject({ version: "20260101.5" });
  writeFiles(folder, { ".env": "COLOR=blue" });
  expect(await dev.next(is("deployed"))).toMatchObject({ version: "20260101.6" });

  dev.interrupt();
  expect(await dev.ended).toBe(0);
  await expect(fetch(`http://localhost:${port}/readyz`)).rejects.toThrow();
  expect(existsSync(join(folder, ".gantry/dev/dev.lock"))).toBe(false);
  expect(existsSync(join(folder, ".gantry/dev/session.json"))).toBe(false);

  const again = devProcess(folder, { port });
  expect(await again.next(is("ready"))).toMatchObject({ secretKey: ready.secretKey });
}, 60_000);

test("a second session in the same project is refused", async () => {
  const folder = project({ "tasks/a.ts": taskFile("a") });
  const first = devProcess(folder, { port: await freePort() });
  await first.next(is("ready"));
  const second = devProcess(folder, { port: await freePort() });
  expect(await second.ended).toBe(2);
  expect(JSON.parse(second.stderr())).toMatchObject({
    code: "ALREADY_RUNNING",
    error: expect.stringContaining(String(first.pid)) as string,
  });
});

test("a port that is taken is named, with the option that chooses another", async () => {
  const folder = project({ "tasks/a.ts": taskFile("a") });
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const dev = devProcess(folder, { port });
  expect(await dev.ended).toBe(2);
  expect(JSON.parse(dev.stderr())).toMatchObject({
    code: "PORT_TAKEN",
    remedy: expect.stringContaining(`--port ${port + 1}`) as string,
  });
  taken.close();
});

test("a platform that does not start is told with the end of its log", async () => {
  const folder = project({ "tasks/a.ts": taskFile("a") });
  const dev = devProcess(folder, { port: await freePort(), env: { FAKE_PLATFORM_FAILS: "1" } });
  expect(await dev.ended).toBe(3);
  expect(JSON.parse(dev.stderr())).toMatchObject({
    code: "PLATFORM_FAILED",
    error: expect.stringMatching(/fatal no database connect ECONNREFUSED/) as string,
  });
});
