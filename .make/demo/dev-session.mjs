import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../paths.mjs";

const WAIT_MS = 90_000;

/** Starts `gantry dev --json`; `event(name)` resolves with its first line of that event. */
export function startDev({ project, port, dataDir }) {
  const cli = join(ROOT, "sdk", "dist", "cli", "main.js");
  const args = [cli, "dev", "--json", "--port", String(port), "--data-dir", dataDir];
  const child = spawn(process.execPath, args, { cwd: project, stdio: ["ignore", "pipe", "pipe"], env: environment() });
  const seen = new Map();
  const waiting = new Map();
  const trouble = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { event, ...fields } = JSON.parse(line);
    if (!seen.has(event)) seen.set(event, fields);
    if (event === "broken" || event === "warning") trouble.push(fields.message ?? fields.text);
    waiting.get(event)?.(fields);
  });
  child.stderr.on("data", (chunk) => trouble.push(String(chunk).trimEnd()));
  const ended = once(child, "exit");
  return {
    pid: child.pid,
    async event(name) {
      if (seen.has(name)) return seen.get(name);
      const told = new Promise((resolve) => waiting.set(name, resolve));
      const late = new Promise((_, reject) =>
        setTimeout(reject, WAIT_MS, new Error(`no "${name}" after ${WAIT_MS / 1000} s\n${trouble.join("\n")}`)).unref(),
      );
      const over = ended.then(([code]) =>
        Promise.reject(new Error(`gantry dev ended (${code})\n${trouble.join("\n")}`)),
      );
      return Promise.race([told, late, over]);
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGINT");
      await ended;
    },
  };
}

/** A database of the caller's own is left alone: the demo brings one. */
function environment() {
  const { DATABASE_URL: _theirs, ...rest } = process.env;
  return rest;
}
