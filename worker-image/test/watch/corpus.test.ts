import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { EFFECTS } from "../../src/watch/effects.ts";
import { startServers } from "./corpus/servers.ts";
import type { Case, Seen, Servers } from "./corpus/stage.ts";

const run = promisify(execFile);
const HERE = join(import.meta.dirname, "corpus");
const FORMATS = ["esm", "cjs"] as const;
/** What packages do is the same from either format; what is imported by name from Node is not. */
const FILES = { plain: FORMATS, files: FORMATS, network: FORMATS, clients: ["esm"], postgres: ["esm"] } as const;
const AT_ONCE = 2;
const stops: (() => unknown)[] = [];
const tally = { right: 0, held: 0, missed: 0, wrong: 0 };
let folder = "";
let servers: Servers;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-corpus-"));
  stops.push(() => rm(folder, { recursive: true, force: true }));
  const [local, redis] = await Promise.all([startServers(), startRedis(), bundle()]);
  stops.push(local.stop);
  servers = { ...local.servers, redis, postgres: inject("postgresUrl" as never) };
});

afterAll(async () => {
  console.log(`The watch on real clients: ${JSON.stringify(tally)}`);
  for (const stop of stops.reverse()) await stop();
});

/** Each file of cases as a user's bundle: both module formats, packages left outside, with a source map. */
async function bundle(): Promise<void> {
  const names = (await readdir(join(HERE, "cases"))).map((name) => join(HERE, "cases", name));
  await symlink(join(import.meta.dirname, "../../../node_modules"), join(folder, "node_modules"));
  // Not mapped to its sources: as ours, it is left out of lines.
  await build({
    entryPoints: [join(HERE, "run-case.ts")],
    outfile: join(folder, "harness", "run-case.mjs"),
    conditions: ["gantry-source"],
    format: "esm",
    bundle: true,
    platform: "node",
    logLevel: "error",
  });
  for (const format of FORMATS) {
    const outExtension = { ".js": format === "esm" ? ".mjs" : ".cjs" };
    await build({
      entryPoints: names,
      outdir: folder,
      outExtension,
      format,
      bundle: true,
      packages: "external",
      platform: "node",
      sourcemap: true,
      logLevel: "error",
    });
  }
}

async function startRedis(): Promise<string> {
  const port = await freePort();
  const settings = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--dir", folder];
  const server: ChildProcess = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "ignore"] });
  stops.push(() => server.kill("SIGKILL"));
  for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream }))
    if (/ready to accept connections/i.test(line)) break;
  server.stdout?.resume();
  return `redis://127.0.0.1:${port}`;
}

async function see(file: string, name: string, format: (typeof FORMATS)[number]): Promise<Seen> {
  const entry = join(folder, `${file}.${format === "esm" ? "mjs" : "cjs"}`);
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, "compiled") };
  const args = ["--no-warnings", join(folder, "harness", "run-case.mjs"), entry, name];
  const { stdout } = await run(process.execPath, [...args, JSON.stringify(servers)], { env });
  return JSON.parse(stdout.trim().split("\n").at(-1) as string) as Seen;
}

for (const [file, formats] of Object.entries(FILES)) {
  const { cases } = (await import(`./corpus/cases/${file}.ts`)) as { cases: Record<string, Case> };
  describe.concurrent(file, { timeout: 60_000 }, () => {
    for (const [name, scene] of Object.entries(cases))
      for (const format of formats)
        test(`${name} (${format})`, async () => {
          await inTurn(async () => judge(scene, await see(file, name, format), `${file}.ts`));
        });
  });
}

function judge(scene: Case, seen: Seen, file: string): void {
  expect(seen.error).toBeUndefined();
  const kinds = seen.unsafe.map(({ what }) => what.replace(/ \(.*/, ""));
  const isRight = isAsWanted(scene.want, kinds);
  count(scene, isRight, kinds);
  // What is known to come out otherwise is told in the table; where it no longer does, the table is to be mended.
  expect({ isRight, ...seen }).toMatchObject({ isRight: scene.but === undefined });
  if (scene.but && "missed" in scene.but) expect(kinds).toEqual([]);
  if (scene.isBusy !== undefined || kinds.length === 0) expect(seen).toMatchObject({ isBusy: scene.isBusy ?? false });
  if (scene.want === "safe" || scene.but) return;
  if (scene.call) expect(seen.unsafe.map(({ call }) => call)).toContain(scene.call);
  if (!scene.hasNoLine) expect(seen.unsafe[0]?.line).toMatch(new RegExp(`^${file}:\\d+$`));
}

function isAsWanted(want: Case["want"], kinds: string[]): boolean {
  if (want === "safe") return kinds.length === 0;
  return want === "unsafe" ? kinds.length > 0 : kinds.includes(EFFECTS[want]);
}

function count(scene: Case, isRight: boolean, kinds: string[]): void {
  if (isRight) tally.right += 1;
  else if (scene.want === "safe") tally.held += 1;
  else if (kinds.length === 0) tally.missed += 1;
  else tally.wrong += 1;
}

let running = 0;
const waiting: (() => void)[] = [];

/** A few processes at once: each is busy for a tenth of a second. */
async function inTurn(body: () => Promise<void>): Promise<void> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  running += 1;
  try {
    await body();
  } finally {
    running -= 1;
    waiting.shift()?.();
  }
}
