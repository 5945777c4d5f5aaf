import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";

/**
 * Projects as users have them, each with a way of writing or installing code that a bundler may get wrong. Every one has
 * the tasks `works` (its payload is `{ name: "Ada" }`, its output `want`) and `throws` (from the line of `throwsIn` that
 * says "throws here").
 */
export interface BundleFixture {
  name: string;
  title: string;
  /** Where the project is in the fixture; the fixture itself without it. */
  project?: string;
  install?: "npm" | "pnpm";
  flags?: string[];
  /** What is generated after the installation. */
  prepare?: "prisma";
  /** Packages of this repository that the project has installed, too large to be installed again. */
  links?: string[];
  want: object;
  /** Relative to the fixture. */
  throwsIn: string;
}

export const PAYLOAD = { name: "Ada" };

const ROOT = join(import.meta.dirname, "../../..");
const FIXTURES = join(import.meta.dirname, "../fixtures/bundle");
const CACHE = process.env.GANTRY_FIXTURES_CACHE ?? join(homedir(), ".cache/gantry-fixtures");
const PNPM = "10.18.3";
const INSTALLS_AT_ONCE = 2;

/** All of them, in the order of their names. */
export function bundleFixtures(): BundleFixture[] {
  return readdirSync(FIXTURES)
    .filter((name) => existsSync(join(FIXTURES, name, "fixture.json")))
    .sort()
    .map((name) => ({ ...read(name), name }));
}

function read(name: string): Omit<BundleFixture, "name"> {
  return JSON.parse(readFileSync(join(FIXTURES, name, "fixture.json"), "utf8")) as Omit<BundleFixture, "name">;
}

/** The 1-based line of `throwsIn` that throws. */
export function throwingLine({ name, throwsIn }: BundleFixture): number {
  const lines = readFileSync(join(FIXTURES, name, throwsIn), "utf8").split("\n");
  return lines.findIndex((line) => line.includes("throws here")) + 1;
}

/**
 * Copies the fixture, with its packages and @gantry/sdk installed, into a new folder under `parent`; returns the
 * project's folder. What npm installed is kept in a cache outside the checkout, by what was asked for.
 */
export async function fixtureProject(
  fixture: BundleFixture,
  parent = tmpdir(),
): Promise<{ root: string; projectDir: string }> {
  const root = mkdtempSync(join(parent, `gantry-${fixture.name}-`));
  if (fixture.install !== undefined) {
    cpSync(await installed(fixture), root, { recursive: true, verbatimSymlinks: true });
  }
  cpSync(join(FIXTURES, fixture.name), root, { recursive: true });
  const projectDir = join(root, fixture.project ?? "");
  link(join(ROOT, "sdk"), join(projectDir, "node_modules/@gantry/sdk"));
  for (const name of fixture.links ?? [])
    link(join(ROOT, "node_modules", name), join(projectDir, "node_modules", name));
  return { root, projectDir };
}

function link(target: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(target, path, "junction");
}

/** A folder under its final name is whole. */
async function installed(fixture: BundleFixture): Promise<string> {
  const folder = join(CACHE, `${fixture.name}-${keyOf(fixture)}`);
  if (!existsSync(folder)) await oneOfFew(() => install(fixture, folder));
  return folder;
}

function keyOf({ name, install, flags, prepare }: BundleFixture): string {
  const asked = globSync("**/{package.json,pnpm-workspace.yaml,schema.prisma}", { cwd: join(FIXTURES, name) }).sort();
  const digest = createHash("sha256").update(JSON.stringify([install, flags, prepare, PNPM]));
  for (const file of asked)
    digest
      .update(file)
      .update("\0")
      .update(readFileSync(join(FIXTURES, name, file)));
  return digest.digest("hex").slice(0, 16);
}

async function install({ name, install: by, flags = [], prepare }: BundleFixture, folder: string): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const draft = mkdtempSync(`${folder}.draft-`);
  try {
    cpSync(join(FIXTURES, name), draft, { recursive: true });
    if (by === "pnpm") {
      const pnpm = ["exec", "--yes", "--prefer-offline", `--package=pnpm@${PNPM}`, "--", "pnpm", "install"];
      await run("npm", [...pnpm, "--ignore-scripts", "--store-dir", join(CACHE, "pnpm-store"), ...flags], draft);
    } else {
      const quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"];
      await run("npm", ["install", ...quiet, ...flags], draft);
    }
    if (prepare === "prisma") await run(process.execPath, [prismaProgram(), "generate", "--no-hints"], draft);
    renameSync(draft, folder);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
}

/** This repository's own. It would download its engine, which generating does not need, unless it is told of a program. */
function prismaProgram(): string {
  return join(ROOT, "node_modules/prisma/build/index.js");
}

async function run(program: string, args: string[], cwd: string): Promise<void> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^npm_(?!config_(cache|registry))/i.test(name)),
  );
  const child = spawn(program, args, {
    cwd,
    env: { ...env, CI: "1", PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: "1" },
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
  });
  const [out, err, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise((resolve, reject) => child.once("error", reject).once("close", resolve)),
  ]);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")} ended with ${String(code)}:\n${out}${err}`);
}

let running: Promise<unknown>[] = [];

async function oneOfFew<T>(work: () => Promise<T>): Promise<T> {
  while (running.length >= INSTALLS_AT_ONCE) await Promise.race(running);
  const done = work();
  const settled = done.then(
    () => undefined,
    () => undefined,
  );
  running.push(settled);
  void settled.then(() => {
    running = running.filter((each) => each !== settled);
  });
  return await done;
}
