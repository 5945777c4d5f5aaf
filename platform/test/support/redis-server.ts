import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll } from "vitest";
import { ensureDebianPackage } from "../../../.make/debian-package.mjs";
import { freePort } from "./free-port.ts";

export interface TestRedis {
  url: string;
  /** As kill -9 ends it. */
  kill(): Promise<void>;
  /** On the same port, with nothing of what it knew. */
  start(): Promise<void>;
}

/** A real redis-server on a free port, ended when the file has; Debian's is installed where there is none and this is root. */
export async function testRedis(): Promise<TestRedis> {
  await ensureDebianPackage("redis-server", () => spawnSync("redis-server", ["--version"]).status === 0);
  const folder = await mkdtemp(join(tmpdir(), "gantry-redis-"));
  const port = await freePort();
  let server: ChildProcess | undefined;
  const redis: TestRedis = {
    url: `redis://127.0.0.1:${port}`,
    async start() {
      const settings = [
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--daemonize",
        "no",
        "--port",
        String(port),
        "--dir",
        folder,
      ];
      server = spawn("redis-server", settings, { stdio: ["ignore", "pipe", "inherit"] });
      await once(server, "spawn");
      const said: string[] = [];
      const isReady = () => /ready to accept connections/i.test(said.at(-1) ?? "");
      for await (const line of createInterface({ input: server.stdout as NodeJS.ReadableStream })) {
        said.push(line);
        if (isReady()) break;
      }
      if (!isReady()) throw new Error(`redis-server ended: ${said.join("\n")}`);
      server.stdout?.resume();
    },
    async kill() {
      if (server === undefined || server.exitCode !== null || server.signalCode !== null) return;
      server.kill("SIGKILL");
      await once(server, "exit");
    },
  };
  afterAll(async () => {
    await redis.kill();
    await rm(folder, { recursive: true, force: true });
  });
  await redis.start();
  return redis;
}
