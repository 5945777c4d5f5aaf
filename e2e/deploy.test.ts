import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline, type Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { noRegistry, startRegistry, type TestRegistry } from "../platform/test/support/docker-registry.ts";
import { freePort } from "../platform/test/support/free-port.ts";
import { clientOf, pushBase } from "../platform/test/support/image-fixtures.ts";
import type { DeployOutcome } from "../sdk/src/cli/deploy/deploy-flow.ts";
import { untar } from "../sdk/test/support/fake-deploy-platform.ts";
import { taskFile } from "../sdk/test/support/temp-project.ts";

const ROOT = join(import.meta.dirname, "..");
// Each test starts the CLI several times, beside a platform and its Postgres.
vi.setConfig({ testTimeout: 60_000 });

const SECRET = "abcdefghijklmnopqrstuvwx";

let registry: TestRegistry;
let apiUrl: string;
let line: BrokenLine;
/** What was started, last first to be ended. */
const stops: (() => Promise<void>)[] = [];

/** What stands between the platform and its registry; can be cut and mended. */
class BrokenLine {
  readonly #target: number;
  readonly #open = new Set<Socket>();
  #isCut = false;
  #server: Server | undefined;

  constructor(target: number) {
    this.#target = target;
  }

  get port(): number {
    return (this.#server?.address() as AddressInfo | undefined)?.port ?? 0;
  }

  async listen(): Promise<void> {
    this.#server = createServer((socket) => {
      if (this.#isCut) return void socket.destroy();
      const onwards = connect(this.#target, "127.0.0.1");
      for (const end of [socket, onwards]) this.#open.add(end.on("close", () => this.#open.delete(end)));
      pipeline(socket, onwards, socket, () => undefined);
    }).listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  cut(isCut: boolean): void {
    this.#isCut = isCut;
    if (isCut) for (const socket of this.#open) socket.destroy();
  }

  close(): void {
    this.cut(true);
    this.#server?.close();
  }
}

async function startPlatform(workerImage: string): Promise<string> {
  const dataDir = mkdtempSync(join(tmpdir(), "gantry-deploy-"));
  const port = await freePort();
  const child = spawn(process.execPath, [join(ROOT, "platform/dist/main.js")], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      GANTRY_PLATFORM_PORT: String(port),
      GANTRY_PLATFORM_DATA_DIR: dataDir,
      GANTRY_PLATFORM_EMBEDDED_POSTGRES: "true",
      GANTRY_PLATFORM_EXECUTOR: "none",
      GANTRY_PLATFORM_DEV_PROJECT: "shop",
      GANTRY_PLATFORM_DEV_KEY_SECRET: SECRET,
      GANTRY_PLATFORM_REGISTRY_PUSH_URL: `http://localhost:${line.port}`,
      GANTRY_PLATFORM_WORKER_IMAGE: workerImage,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      log = (log + String(chunk)).slice(-5000);
    });
  }
  stops.push(async () => {
    if (child.exitCode === null && child.kill("SIGTERM")) await once(child, "exit");
    rmSync(dataDir, { recursive: true, force: true, maxRetries: 10 });
  });
  const url = `http://localhost:${port}`;
  while (
    !(await fetch(`${url}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`The platform ended:\n${log}`);
    await pause(50);
  }
  return url;
}

function shop(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-shop-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  write(folder, { "package.json": `{"name":"shop","type":"module"}`, ...files });
  mkdirSync(join(folder, "node_modules/@gantry"), { recursive: true });
  symlinkSync(join(ROOT, "sdk"), join(folder, "node_modules/@gantry/sdk"), "junction");
  return folder;
}

function write(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

async function gantry(cwd: string, ...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { PATH: process.env.PATH, HOME: process.env.HOME, GANTRY_SECRET_KEY: `gt_dev_sk_${SECRET}`, CI: "true" };
  const command = [join(ROOT, "sdk/dist/cli/main.js"), ...args, "--api-url", apiUrl];
  return promisify(execFile)(process.execPath, command, { cwd, env }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    (error: { code: number; stdout: string; stderr: string }) => ({
      code: error.code,
      out: error.stdout,
      err: error.stderr,
    }),
  );
}

async function deploy(cwd: string, ...args: string[]): Promise<DeployOutcome> {
  const { out, err } = await gantry(cwd, "deploy", "--json", ...args);
  if (out === "") throw new Error(err);
  return JSON.parse(out) as DeployOutcome;
}

async function current(cwd: string): Promise<string | undefined> {
  const versions = JSON.parse((await gantry(cwd, "deployments", "list", "--json")).out) as DeployOutcome[];
  return versions.find(({ isCurrent }) => isCurrent)?.version;
}

/** The files of an image's own layers, as a node would unpack them. */
async function imageFiles(image: string): Promise<Record<string, string>> {
  const [repository = "", digest = ""] = image.split("@");
  const client = clientOf(registry);
  const manifest = JSON.parse(String((await client.manifest(repository, digest))?.bytes)) as {
    layers: { digest: string }[];
  };
  const files: Record<string, string> = {};
  for (const layer of manifest.layers) {
    const bytes = await buffer((await client.blob(repository, layer.digest)) as Readable);
    Object.assign(files, untar(gunzipSync(bytes)));
  }
  return files;
}

describe.skipIf(noRegistry !== undefined)("gantry deploy, with the platform and a registry", () => {
  // Registered here: from within beforeAll it was seen not to be called, and left the platform behind.
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  }, 60_000);

  beforeAll(async () => {
    registry = await startRegistry();
    line = new BrokenLine(Number(new URL(registry.url).port));
    await line.listen();
    stops.push(async () => line.close());
    const base = await pushBase(registry, "gantry/worker");
    apiUrl = await startPlatform(base.replace(registry.host, `localhost:${line.port}`));
  }, 60_000);

  test("a version is an image with the code in it; the same code again sends nothing and makes none", async () => {
    const project = shop({ "tasks/a.ts": taskFile("a"), "tasks/b.ts": taskFile("b") });
    const first = await deploy(project);
    expect(first).toMatchObject({ project: "shop", environment: "dev", isNew: true, isCurrent: true });
    expect(first.tasks.map(({ id }) => id)).toEqual(["a", "b"]);
    const files = await imageFiles(first.image ?? "");
    expect(Object.keys(files)).toContain("app/bundle/entry.mjs");
    expect(Object.values(files).join()).toContain('id: "a"');

    const again = await deploy(project);
    expect(again).toMatchObject({ version: first.version, image: first.image, isNew: false, isCurrent: true });
    expect(again.layers.map(({ isUploaded }) => isUploaded)).toEqual([false]);
    expect((await deploy(project, "--dry-run")).isNew).toBe(false);

    write(project, { "tasks/b.ts": taskFile("b", "return 2;") });
    const changed = await deploy(project);
    expect(changed).toMatchObject({ isNew: true, isCurrent: true });
    expect(changed.version).not.toBe(first.version);
    expect(changed.image).not.toBe(first.image);
  });

  test("the same code from another folder is the same image", async () => {
    const files = { "tasks/a.ts": taskFile("elsewhere") };
    const one = await deploy(shop(files));
    const other = await deploy(shop(files), "--no-cache");
    expect(other).toMatchObject({ version: one.version, image: one.image, isNew: false });
  });

  test("a version that is not promoted waits; promote puts it into service, and takes it back", async () => {
    const project = shop({ "tasks/a.ts": taskFile("steps", "return 1;") });
    const { version: before } = await deploy(project);
    write(project, { "tasks/a.ts": taskFile("steps", "return 2;") });
    const made = await deploy(project, "--skip-promotion");
    expect(made).toMatchObject({ isNew: true, isCurrent: false });
    expect(await current(project)).toBe(before);

    const promoted = await gantry(project, "promote", made.version);
    expect(promoted.out).toContain(`${before} → ${made.version} is in service`);
    expect(await current(project)).toBe(made.version);
    await gantry(project, "promote", before);
    expect(await current(project)).toBe(before);
    const { out } = await gantry(project, "deployments", "list");
    expect(out).toMatch(new RegExp(`${before} +current +steps`));

    const unknown = await gantry(project, "promote", "19990101.1");
    expect(unknown.code).toBe(2);
    expect(unknown.err).toMatch(/19990101\.1.*DEPLOYMENT_NOT_FOUND/);
  });

  test("deploys at once follow one another, and each is a version of its own", async () => {
    const projects = [1, 2, 3].map((n) => shop({ "tasks/a.ts": taskFile(`parallel-${n}`) }));
    const outcomes = await Promise.all(projects.map((project) => deploy(project)));
    const versions = outcomes.map(({ version }) => version);
    expect(new Set(versions).size).toBe(3);
    const last = await current(projects[0] as string);
    expect(versions).toContain(last);
    const listed = JSON.parse(
      (await gantry(projects[0] as string, "deployments", "list", "--json")).out,
    ) as DeployOutcome[];
    expect(listed.filter(({ isCurrent }) => isCurrent)).toHaveLength(1);
  });

  test("with the registry away a deploy ends with the reason, and what serves goes on serving", async () => {
    const project = shop({ "tasks/a.ts": taskFile("cut", "return 1;") });
    const { version } = await deploy(project);
    write(project, { "tasks/a.ts": taskFile("cut", "return 2;") });
    line.cut(true);
    const { code, err } = await gantry(project, "deploy");
    line.cut(false);
    expect(err).toMatch(/REGISTRY_UNAVAILABLE/);
    expect(code).toBe(3);
    expect(await current(project)).toBe(version);
    expect((await deploy(project)).isNew).toBe(true);
  });

  test("code that throws while it is imported is shown at its line, and nothing is sent", async () => {
    const project = shop({ "tasks/a.ts": "type A = 1;\n\nthrow new Error('no DATABASE_URL');\n" });
    const before = await current(project);
    const { code, err } = await gantry(project, "deploy");
    expect(code).toBe(2);
    expect(err).toMatch(/tasks\/a\.ts throws while it is imported:\nError: no DATABASE_URL\n +at .*tasks\/a\.ts:3:7/);
    expect(await current(project)).toBe(before);
  });
});
