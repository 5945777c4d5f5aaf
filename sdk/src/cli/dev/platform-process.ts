import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, statSync, truncateSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sdkRoot } from "../bundle/project-root.ts";
import { CliError, EXIT } from "../cli-error.ts";

export interface PlatformOptions {
  projectDir: string;
  project: string;
  port: number;
  /** The 24 characters of the dev key. */
  keySecret: string;
  /** Where the database and everything else is kept. */
  dataDir: string;
  env: Record<string, string | undefined>;
  /** An own Postgres; the embedded one where it is undefined. */
  databaseUrl: string | undefined;
}

export interface PlatformProcess {
  url: string;
  pid: number;
  logFile: string;
  /** Resolves when the process has ended, with the reason. */
  ended: Promise<string>;
  /** Ends it cleanly, its Postgres and workers with it; by force where that takes too long. */
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 12_000;
const LOG_LIMIT_BYTES = 10 * 1024 * 1024;

/** Starts the platform and waits until it is ready. Errors: PLATFORM_NOT_INSTALLED, PORT_TAKEN, PLATFORM_FAILED (with the end of its log). */
export async function startPlatform(options: PlatformOptions, signal: AbortSignal): Promise<PlatformProcess> {
  const main = findPlatform(options.projectDir);
  await checkPort(options.port);
  mkdirSync(options.dataDir, { recursive: true });
  const logFile = join(options.dataDir, "platform.log");
  const { child, logStart } = launch(main, logFile, options);
  const ended = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("exit", (code, killedBy) => resolve(killedBy === null ? `exit code ${code}` : `signal ${killedBy}`));
  });
  const url = `http://localhost:${options.port}`;
  const platform: PlatformProcess = { url, pid: child.pid ?? 0, logFile, ended, stop: () => stop(child, ended) };
  const given = new AbortController();
  const ready = waitUntilReady(options.port, AbortSignal.any([signal, given.signal]));
  const outcome = await Promise.race([ready, ended]);
  given.abort();
  if (outcome === "ready") return platform;
  await platform.stop();
  if (signal.aborted) throw new CliError("INTERRUPTED", "Interrupted before the platform was ready.");
  throw new CliError("PLATFORM_FAILED", `The platform did not start (${outcome}):\n${logTail(logFile, logStart)}`, {
    remedy: `Its whole log is in ${logFile}.`,
    exitCode: EXIT.unreachable,
  });
}

/** The platform's program: from the project's dependencies, or from beside this CLI. */
export function findPlatform(projectDir: string): string {
  const places = [join(projectDir, "package.json"), join(sdkRoot(), "package.json")];
  for (const place of places) {
    const found = tryResolve(place);
    if (found !== undefined && existsSync(found)) return found;
  }
  throw new CliError("PLATFORM_NOT_INSTALLED", "The platform is not installed.", {
    remedy: "Install it with `npm install --save-dev @gantry/platform`.",
  });
}

function tryResolve(from: string): string | undefined {
  try {
    return join(dirname(createRequire(from).resolve("@gantry/platform/package.json")), "dist", "main.js");
  } catch {
    return undefined;
  }
}

async function checkPort(port: number): Promise<void> {
  for (const host of ["127.0.0.1", "0.0.0.0"]) {
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      const server = createServer();
      server.once("error", resolve);
      server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(undefined)));
    });
    if (error?.code === "EADDRINUSE" || error?.code === "EACCES") throw portTaken(port, error.code);
  }
}

export function portTaken(port: number, code: string): CliError {
  const why = code === "EACCES" ? "may not be used by this user" : "is taken by another program";
  return new CliError("PORT_TAKEN", `Port ${port} ${why}.`, {
    remedy: `Choose another: gantry dev --port ${port + 1} (and set GANTRY_API_URL in your app to match).`,
  });
}

function launch(main: string, logFile: string, options: PlatformOptions): { child: ChildProcess; logStart: number } {
  const before = existsSync(logFile) ? statSync(logFile).size : 0;
  if (before > LOG_LIMIT_BYTES) truncateSync(logFile);
  const logStart = before > LOG_LIMIT_BYTES ? 0 : before;
  const log = openSync(logFile, "a", 0o600);
  const child = spawn(process.execPath, ["--enable-source-maps", main], {
    cwd: options.projectDir,
    env: platformEnvironment(options) as NodeJS.ProcessEnv,
    // Its own group: Ctrl-C reaches this CLI alone, which then stops things in their order. The channel tells the
    // platform when the CLI is gone without having said so.
    stdio: ["ignore", log, log, "ipc"],
    detached: process.platform !== "win32",
    windowsHide: true,
  });
  closeSync(log);
  return { child, logStart };
}

/** Settings of the shell and the project's `.env` come through; what `gantry dev` decides wins. */
function platformEnvironment(options: PlatformOptions): Record<string, string | undefined> {
  return {
    ...options.env,
    GANTRY_PLATFORM_SHUTDOWN_GRACE_MS: options.env.GANTRY_PLATFORM_SHUTDOWN_GRACE_MS ?? "2000",
    GANTRY_PLATFORM_DATABASE_URL: options.databaseUrl,
    GANTRY_PLATFORM_EMBEDDED_POSTGRES: options.databaseUrl === undefined ? "true" : "false",
    GANTRY_PLATFORM_PORT: String(options.port),
    GANTRY_PLATFORM_DATA_DIR: options.dataDir,
    GANTRY_PLATFORM_EXECUTOR: "process",
    GANTRY_PLATFORM_DEV_PROJECT: options.project,
    GANTRY_PLATFORM_DEV_KEY_SECRET: options.keySecret,
  };
}

async function waitUntilReady(port: number, signal: AbortSignal): Promise<string> {
  const giveUpAt = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < giveUpAt && !signal.aborted) {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(2000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return "ready";
    await sleep(50);
  }
  return signal.aborted ? "interrupted" : `not ready after ${READY_TIMEOUT_MS / 1000} s`;
}

async function stop(child: ChildProcess, ended: Promise<string>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  // Windows has no SIGTERM: there the closed channel is the request to stop.
  if (process.platform === "win32") child.disconnect();
  else child.kill("SIGTERM");
  const inTime = await Promise.race([ended, sleep(STOP_TIMEOUT_MS, "late", { ref: false })]);
  if (inTime !== "late") return;
  child.kill("SIGKILL");
  await ended;
}

/** The last lines of the log since `start`, each as its message where it is JSON. */
export function logTail(logFile: string, start = 0, lines = 15): string {
  let text: string;
  try {
    text = readFileSync(logFile).subarray(start).toString("utf8");
  } catch {
    return "(no log)";
  }
  const last = text.trimEnd().split("\n").slice(-lines).map(logLine);
  return last.map((line) => `  ${line}`).join("\n");
}

function logLine(line: string): string {
  try {
    const { level, msg, err } = JSON.parse(line) as { level?: string; msg?: string; err?: { message?: string } };
    return [level, msg, err?.message].filter(Boolean).join(" ");
  } catch {
    return line;
  }
}
