import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Kubectl } from "./kubectl.ts";

/**
 * In a pod: kills CRIU half-way, which is when it has written pages, or has made the process that it brings back. It has the
 * task's user, so it may.
 */
const WATCH = `
const { readdirSync, readFileSync, statSync } = require("node:fs");
const verb = process.argv[1];
const read = (pid, what) => { try { return readFileSync("/proc/" + pid + "/" + what, "utf8"); } catch { return ""; } };
const pids = () => readdirSync("/proc").filter((name) => /^\\d+$/.test(name));
const parent = (pid) => read(pid, "stat").split(") ").at(-1).split(" ")[1];
const hasPages = (dir) => { try { return readdirSync(dir).some((name) => /^pages-/.test(name) && statSync(dir + "/" + name).size > 0); } catch { return false; } };
const rest = new Int32Array(new SharedArrayBuffer(4));
console.log("watching");
for (;;) {
  for (const pid of pids()) {
    const words = read(pid, "cmdline").split("\\0");
    if (!words[0].endsWith("/criu") || words[1] !== verb) continue;
    const isHalfWay = verb === "dump" ? hasPages(words[words.indexOf("-D") + 1]) : pids().some((each) => parent(each) === pid);
    if (!isHalfWay) continue;
    process.kill(Number(pid), "SIGKILL");
    console.log("killed");
    process.exit();
  }
  Atomics.wait(rest, 0, 0, 1);
}`;

/** Resolves when it watches; `killed` resolves once it has killed. */
export async function killCriuHalfWay(
  pods: Kubectl,
  pod: string,
  verb: "dump" | "restore",
): Promise<{ killed: Promise<void>; stop(): void }> {
  const command = ["exec", pod, "--container", "task", "--", "node", "-e", WATCH, verb];
  const child = spawn("kubectl", ["--namespace", pods.namespace, ...command], { stdio: ["ignore", "pipe", "inherit"] });
  const watching = Promise.withResolvers<void>();
  const killed = Promise.withResolvers<void>();
  killed.promise.catch(() => undefined);
  createInterface({ input: child.stdout }).on("line", (line) => (line === "killed" ? killed : watching).resolve());
  child.on("exit", () => {
    for (const each of [watching, killed]) each.reject(new Error(`what watches CRIU in ${pod} has ended`));
  });
  await watching.promise;
  return { killed: killed.promise, stop: () => void child.kill() };
}
