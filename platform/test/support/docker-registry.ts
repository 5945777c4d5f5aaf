import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { freePort } from "./free-port.ts";
import { startTokenServer } from "./registry-token-server.ts";

export const REGISTRY_USER = { username: "deployer", password: "correct horse" };

export interface TestRegistry {
  url: string;
  host: string;
  credentials: typeof REGISTRY_USER | undefined;
}

// Here, and not where one is started: a hook that is asked for inside another hook, or inside a test, never runs.
const running: (() => Promise<void>)[] = [];
afterAll(async () => void (await Promise.all(running.map((end) => end()))));

/** Why there is no registry to test with; undefined where there is. */
export const noRegistry: string | undefined = missingPrograms(["docker-registry", "htpasswd", "openssl"]);

function missingPrograms(names: string[]): string | undefined {
  const missing = names.filter((name) => {
    try {
      execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  return missing.length === 0
    ? undefined
    : `${missing.join(", ")} not installed (Debian: docker-registry apache2-utils openssl)`;
}

/** Debian's docker-registry on a free port with a folder of its own; ends with the test file. */
export async function startRegistry(auth: "none" | "basic" | "token" = "none"): Promise<TestRegistry> {
  const folder = mkdtempSync(join(tmpdir(), "gantry-registry-"));
  const port = await freePort();
  const file = join(folder, "config.yml");
  writeFileSync(file, JSON.stringify(await configuration(folder, port, auth)));
  const registry = spawn("docker-registry", ["serve", file], { stdio: ["ignore", "ignore", "pipe"] });
  running.push(() => stop(registry, folder));
  await listening(registry);
  return {
    url: `http://localhost:${port}`,
    host: `localhost:${port}`,
    credentials: auth === "none" ? undefined : REGISTRY_USER,
  };
}

async function configuration(folder: string, port: number, auth: "none" | "basic" | "token") {
  const { username, password } = REGISTRY_USER;
  const base = {
    version: 0.1,
    log: { level: "info", accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, "data") }, delete: { enabled: true } },
    http: { addr: `127.0.0.1:${port}` },
  };
  if (auth === "none") return base;
  if (auth === "token") return { ...base, auth: { token: await startTokenServer(folder, REGISTRY_USER) } };
  const path = join(folder, "htpasswd");
  writeFileSync(path, execFileSync("htpasswd", ["-nbB", username, password]));
  return { ...base, auth: { htpasswd: { realm: "test", path } } };
}

function listening(registry: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const said: string[] = [];
    registry.on("exit", (code) =>
      reject(new Error(`docker-registry ended with ${code}: ${said.slice(-5).join("\n")}`)),
    );
    createInterface({ input: registry.stderr as NodeJS.ReadableStream }).on("line", (line) => {
      said.push(line);
      if (line.includes("listening on")) resolve();
    });
  });
}

async function stop(registry: ChildProcess, folder: string): Promise<void> {
  const ended = new Promise((resolve) => registry.once("close", resolve));
  registry.kill("SIGKILL");
  await ended;
  rmSync(folder, { recursive: true, force: true });
}
