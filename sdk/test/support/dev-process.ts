import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { sdkRoot } from "../../src/cli/bundle/project-root.ts";

export type DevEvent = { event: string } & Record<string, unknown>;

/** `gantry dev --json` as built, in a process of its own. It is ended with the test at the latest. */
export function devProcess(
  projectDir: string,
  options: { port: number; args?: string[]; env?: Record<string, string> },
) {
  const { DATABASE_URL: _theirs, GANTRY_SECRET_KEY: _key, GANTRY_API_URL: _url, ...env } = process.env;
  const args = [
    join(sdkRoot(), "dist/cli/main.js"),
    "dev",
    "--json",
    "--port",
    String(options.port),
    ...(options.args ?? []),
  ];
  const child = spawn(process.execPath, args, {
    cwd: projectDir,
    env: { ...env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const events: DevEvent[] = [];
  let stderr = "";
  let wake = () => {};
  createInterface({ input: child.stdout }).on("line", (line) => {
    events.push(JSON.parse(line) as DevEvent);
    wake();
  });
  child.stderr.on("data", (chunk) => {
    stderr += String(chunk);
  });
  const ended = once(child, "close").then(([code]) => {
    wake();
    return code as number | null;
  });
  onTestFinished(async () => {
    if (child.exitCode === null) child.kill("SIGINT");
    await ended;
  });
  return {
    pid: child.pid as number,
    ended,
    stderr: () => stderr,
    interrupt: () => child.kill("SIGINT"),
    /** The first event at or after `from` that fits; fails when the process ends before. */
    async next(fits: (event: DevEvent) => boolean): Promise<DevEvent> {
      for (;;) {
        const index = events.findIndex(fits);
        if (index >= 0) return events.splice(0, index + 1).at(-1) as DevEvent;
        if (child.exitCode !== null) throw new Error(`gantry dev ended (${child.exitCode}): ${stderr}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
  };
}
