import { spawn } from "node:child_process";
import { copyFileSync, existsSync, writeFileSync } from "node:fs";
import { dirname, join, parse } from "node:path";
import type { ImagePlatform } from "../../contract/image-layout.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { ExternalVersions } from "./external-versions.ts";

const CPU: Record<ImagePlatform, string> = { "linux/amd64": "x64", "linux/arm64": "arm64" };

export function cpuOf(platform: ImagePlatform): string {
  return CPU[platform];
}

const OPTIONS = [
  "--omit=dev",
  "--ignore-scripts",
  // Peers are among the versions already, as the project has them.
  "--legacy-peer-deps",
  "--install-strategy=hoisted",
  "--no-workspaces",
  "--no-bin-links",
  "--no-package-lock",
  "--no-audit",
  "--no-fund",
  "--no-update-notifier",
  "--prefer-offline",
  // A registry that is away is told in seconds; npm would try for more than a minute.
  "--fetch-retries=2",
  "--fetch-retry-mintimeout=500",
  "--fetch-retry-maxtimeout=3000",
  "--loglevel=error",
];

export interface NpmInstall {
  /** An empty folder; gets a package.json and node_modules. */
  folder: string;
  versions: ExternalVersions;
  platform: ImagePlatform;
  /** Whose registries (.npmrc) are asked. */
  projectDir: string;
  env: Record<string, string | undefined>;
  signal: AbortSignal;
}

/**
 * Installs packages for another platform, without running their scripts.
 * Errors: NPM_MISSING, EXTERNALS_NOT_INSTALLED (with what npm said).
 */
export async function npmInstall(request: NpmInstall): Promise<void> {
  const { folder, versions, platform, projectDir, env, signal } = request;
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "externals", private: true, ...versions }));
  for (const npmrc of npmrcsAbove(projectDir)) copyFileSync(npmrc, join(folder, ".npmrc"));
  const args = ["install", "--prefix", folder, "--os=linux", `--cpu=${cpuOf(platform)}`, "--libc=glibc", ...OPTIONS];
  const { code, output } = await runNpm(args, folder, withoutNpmRun(env), signal);
  signal.throwIfAborted();
  if (code !== 0) throw notInstalled(versions, output);
}

function runNpm(args: string[], cwd: string, env: NodeJS.ProcessEnv, signal: AbortSignal) {
  const isWindows = process.platform === "win32";
  const child = spawn(isWindows ? "npm.cmd" : "npm", args, {
    cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    shell: isWindows,
    windowsHide: true,
  });
  let output = "";
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-20_000);
  };
  child.stdout?.on("data", keep);
  child.stderr?.on("data", keep);
  const stop = () => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  return new Promise<{ code: number | null; output: string }>((resolve, reject) => {
    child.once("error", (cause) => reject(npmMissing(cause)));
    child.once("close", (code) => resolve({ code, output }));
  }).finally(() => signal.removeEventListener("abort", stop));
}

/** The project's and its workspace root's; the nearest last, since it wins. */
function npmrcsAbove(projectDir: string): string[] {
  const found: string[] = [];
  const { root } = parse(projectDir);
  for (let folder = projectDir; folder !== root; folder = dirname(folder)) {
    const file = join(folder, ".npmrc");
    if (existsSync(file)) found.unshift(file);
    if (existsSync(join(folder, ".git"))) break;
  }
  return found;
}

/** Variables of the `npm run` or `npx` around this command would move npm into another folder or workspace. */
function withoutNpmRun(env: Record<string, string | undefined>): NodeJS.ProcessEnv {
  const kept =
    /^npm_config_(registry|userconfig|globalconfig|cache|cafile|https?_proxy|proxy|noproxy|strict_ssl|\/\/|@)/i;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.toLowerCase().startsWith("npm_") || kept.test(name)),
  ) as NodeJS.ProcessEnv;
}

function npmMissing(cause: unknown): CliError {
  return new CliError("NPM_MISSING", "npm cannot be started; it installs the packages that stay outside the bundle.", {
    remedy: "Install npm (it comes with Node.js) and make sure that it is on the PATH.",
    cause,
  });
}

function notInstalled({ dependencies }: ExternalVersions, output: string): CliError {
  const names = Object.entries(dependencies).map(([name, spec]) => `${name}@${spec}`);
  const said = output
    .split("\n")
    .map((line) => line.replace(/^npm (error|ERR!) ?/, "").trimEnd())
    .filter((line) => line !== "" && !/complete log of this run|^npm warn/i.test(line))
    .slice(0, 12);
  const isAway = /ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENETUNREACH|ECONNRESET/.test(output);
  return new CliError(
    "EXTERNALS_NOT_INSTALLED",
    `npm could not install ${names.join(", ")} for the image:\n${said.map((line) => `  ${line}`).join("\n")}`,
    {
      remedy: isAway
        ? "The npm registry does not answer: check the network and `registry` in .npmrc, then deploy again."
        : "These packages stay outside of the bundle and must be in a registry that npm can read with the project's .npmrc.",
      exitCode: isAway ? EXIT.unreachable : EXIT.usage,
    },
  );
}
