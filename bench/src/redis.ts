import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../platform/test/support/free-port.ts";

export interface Redis {
  port: number;
  version: string;
  stop(): Promise<void>;
}

/** A Redis of our own that answers only after its log is on disk; undefined where redis-server is not installed. */
export async function startRedis(): Promise<Redis | undefined> {
  const probe = spawnSync("redis-server", ["--version"], { encoding: "utf8" });
  if (probe.status !== 0) return undefined;
  const directory = await mkdtemp(join(tmpdir(), "gantry-bench-redis-"));
  const port = await freePort();
  const settings = [
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    "--daemonize",
    "no",
  ];
  const server = spawn("redis-server", ["--port", String(port), "--dir", directory, ...settings], { stdio: "ignore" });
  await untilListening(port, server);
  return {
    port,
    version: /v=(\S+)/.exec(probe.stdout)?.[1] ?? "?",
    async stop() {
      server.kill("SIGTERM");
      if (server.exitCode === null) await once(server, "exit");
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, server: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (server.exitCode !== null) throw new Error(`redis-server ended with ${server.exitCode}.`);
    const socket = createConnection({ port, host: "127.0.0.1" });
    const isUp = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isUp) return;
    await delay(25);
  }
  throw new Error("redis-server does not listen.");
}
