/** What Node's own modules do, but for the network. */
import { exec, spawn, spawnSync } from "node:child_process";
import { createHash, getRandomValues, randomBytes, randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { EventEmitter, once } from "node:events";
import { createReadStream, readFileSync, statSync, writeFileSync } from "node:fs";
import { access, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay, setImmediate as turn } from "node:timers/promises";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { gunzip, gzip } from "node:zlib";
import { type Case } from "../stage.ts";

const SELF = process.argv[1] as string;

/** There is none, but it is seen that one is wanted. */
function openAddon(folder: string): void {
  try {
    process.dlopen({ exports: {} }, join(folder, "addon.node"));
  } catch {
    // As expected.
  }
}

export const cases: Record<string, Case> = {
  "computing alone": { want: "safe", run: () => Array.from({ length: 1e4 }, (_, at) => Math.sqrt(at)).join() },
  "console.log, stdout and stderr": {
    want: "safe",
    run: () => {
      console.log("hello");
      process.stdout.write("out\n");
      process.stderr.write("err\n");
    },
  },
  "reading files in every way": {
    want: "safe",
    run: async () => {
      readFileSync(SELF);
      statSync(SELF);
      await readFile(SELF, "utf8");
      await access(SELF);
      await readdir("/");
      await text(createReadStream(SELF));
      const file = await open(SELF);
      await file.read(Buffer.alloc(8), 0, 8, 0);
      await file.close();
    },
  },
  "sleeping with nothing open": {
    want: "safe",
    run: async ({ sleep }) => {
      await sleep(5);
      await delay(5);
      await turn();
      await new Promise<void>((resolve) => process.nextTick(resolve));
    },
  },
  "reading the clock": { want: "safe", run: () => [new Date(), Date.now(), performance.now(), Date()] },
  "hashing and compressing": {
    want: "safe",
    run: async () => {
      createHash("sha256").update("x").digest("hex");
      await crypto.subtle.digest("SHA-256", Buffer.from("x"));
      await promisify(gunzip)(await promisify(gzip)("x"));
    },
  },
  "importing a module in the function": {
    want: "safe",
    run: async () => [await import("node:querystring"), await import("node:assert/strict")],
  },
  "looking up a name": { want: "safe", run: () => lookup("localhost") },
  "events, streams and signals": {
    want: "safe",
    run: async () => {
      const emitter = new EventEmitter();
      queueMicrotask(() => emitter.emit("done"));
      await once(emitter, "done");
      await pipeline(async function* () {
        yield "a";
        await turn();
        yield "b";
      }, text);
      await once(AbortSignal.timeout(5), "abort");
    },
  },
  "web streams, async iteration and structured clones": {
    want: "safe",
    run: async () => {
      const parts = ReadableStream.from(["a", "b"]).pipeThrough(new TransformStream());
      for await (const part of parts) structuredClone(part);
      await new Response("x").text();
    },
  },
  "compiling WebAssembly": {
    want: "safe",
    run: () =>
      (globalThis as unknown as { WebAssembly: { compile(code: Uint8Array): Promise<unknown> } }).WebAssembly.compile(
        new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]),
      ),
  },
  "asking whether a process lives": { want: "safe", run: () => process.kill(process.pid, 0) },
  "steps one after the other, in parallel, in a race": {
    want: "safe",
    run: async ({ step, sleep }) => {
      const one = await step("one", () => sleep(5));
      await Promise.all([step("two", () => one), step("three", () => sleep(9))]);
      await Promise.race([step("four", () => sleep(3)), step("five", () => sleep(9))]);
      await Promise.allSettled([step("six", () => Promise.reject(new Error("no")))]);
    },
  },
  "waits, awaited and beside steps": {
    want: "safe",
    run: async ({ step, wait, sleep }) => {
      await wait();
      await Promise.all([wait(), step("one", () => sleep(5))]);
    },
  },
  "a limiter of promises around steps": {
    want: "safe",
    run: async ({ step, sleep }) => {
      let last = Promise.resolve();
      const oneByOne = (fn: () => Promise<void>) => (last = last.then(fn));
      await Promise.all([1, 2, 3].map((at) => oneByOne(() => step(`s${at}`, () => sleep(2)))));
    },
  },
  "an event of the function's, waited for across a step": {
    want: "safe",
    run: async ({ step }) => {
      const emitter = new EventEmitter();
      const done = once(emitter, "done");
      await step("one", () => 1);
      emitter.emit("done");
      await done;
    },
  },

  "Math.random": { want: "random", call: "Math.random", run: () => Math.random() },
  "randomUUID, imported by name": { want: "random", call: "randomUUID", run: () => randomUUID() },
  "randomBytes with a callback": { want: "random", run: () => promisify(randomBytes)(8) },
  "getRandomValues of node:crypto": { want: "random", run: () => getRandomValues(new Uint8Array(8)) },
  "the global crypto": { want: "random", call: "crypto.randomUUID", run: () => crypto.randomUUID() },
  "a key pair of web crypto": {
    want: "random",
    run: () => crypto.subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt"]),
  },
  "randomness in a step": {
    want: "safe",
    run: ({ step }) => step("one", async () => [randomUUID(), Math.random(), crypto.randomUUID(), randomBytes(4)]),
  },
  "randomness in repeatable code": { want: "safe", run: ({ repeatable }) => repeatable(() => randomUUID()) },
  "randomness drawn in the background": {
    want: "safe",
    load: () => setInterval(() => Math.random(), 2).unref(),
    run: ({ sleep }) => sleep(10),
  },

  exec: {
    want: "child",
    call: "exec",
    run: () => promisify((line: string, done: () => void) => exec(line, done))("true"),
  },
  spawnSync: { want: "child", call: "spawnSync", run: () => spawnSync("true") },
  "spawn, left running": { want: "child", isBusy: true, run: () => void spawn("sleep", ["5"], { stdio: "ignore" }) },
  "exec in a step": { want: "safe", run: ({ step }) => step("one", () => promisify(exec)("true")) },
  "a worker thread": {
    want: "worker",
    run: async () => once(new Worker("0", { eval: true }), "exit"),
  },
  "a worker thread in a step": {
    want: "safe",
    run: ({ step }) => step("one", async () => void (await once(new Worker("0", { eval: true }), "exit"))),
  },
  "a native add-on": { want: "addon", call: "process.dlopen", run: ({ folder }) => openAddon(folder) },
  "a native add-on in a step": { want: "safe", run: ({ step, folder }) => step("one", () => openAddon(folder)) },
  "a native add-on of module code, which works unseen": {
    want: "addon",
    hasNoLine: true,
    load: ({ folder }) => openAddon(folder),
    run: () => undefined,
  },
  "a native add-on that only computes": { want: "safe", run: () => openAddon("/app/node_modules/bcrypt") },
  "a signal to another process": {
    want: "signal",
    call: "process.kill",
    load: () => spawn("sleep", ["5"], { stdio: "ignore" }).unref(),
    run: ({ sleep }) => {
      process.kill(process.pid, "SIGCONT");
      return sleep(1);
    },
  },

  "a timer that races a step": {
    want: "beside",
    run: ({ step, sleep }) => Promise.race([step("one", () => sleep(30)), sleep(5)]),
  },
  "a timer that races a wait": {
    want: "beside",
    call: "sleep",
    run: async ({ wait, sleep }) => {
      let isOver = false;
      const waiting = wait(() => isOver);
      await sleep(5);
      isOver = true;
      await waiting;
    },
  },
  "a file read beside a step": {
    want: "beside",
    call: "readFile",
    run: async ({ step }) => {
      const reading = readFile(SELF);
      await step("one", async () => void (await reading));
    },
  },
  "a timer cleared before a step": {
    want: "safe",
    run: async ({ step, sleep }) => {
      clearTimeout(setTimeout(() => undefined, 5));
      await step("one", () => sleep(10));
    },
  },
  "a long timer that is still running": {
    want: "safe",
    isBusy: true,
    run: ({ wait, sleep }) => Promise.race([wait(), sleep(60_000)]),
  },
  "a long timer, unreferenced": {
    want: "safe",
    run: async ({ wait }) => {
      setTimeout(() => undefined, 60_000).unref();
      await wait();
    },
  },
  "an interval that goes on": {
    want: "beside",
    call: "setInterval",
    isBusy: true,
    run: async ({ wait }) => {
      setInterval(() => undefined, 5);
      await wait();
    },
  },
  "a timer that module code set": {
    want: "safe",
    load: () => void setInterval(() => undefined, 5),
    run: ({ wait }) => wait(),
  },
  "a file written by a step's left-over timer": {
    want: "file",
    run: async ({ step, sleep, folder }) => {
      await step("one", () => void setTimeout(() => writeFileSync(join(folder, "a"), "x"), 10), {
        files: "disposable",
      });
      await sleep(30);
    },
  },
  "a step's left-over timer of the user's own": {
    want: "safe",
    isBusy: true,
    run: async ({ step }) => step("one", () => void setTimeout(() => undefined, 60_000)),
  },
  "a file written in the background": {
    want: "file",
    load: ({ folder }) => setInterval(() => writeFileSync(join(folder, "a"), "x"), 5).unref(),
    run: ({ sleep }) => sleep(20),
  },
  "a promise of the function's that a step settles": {
    want: "queued",
    run: async ({ step }) => {
      const done = Promise.withResolvers<void>();
      await Promise.all([done.promise, step("one", () => done.resolve())]);
    },
  },
  "variables of the function that a step assigns": {
    want: "unsafe",
    but: { missed: "what a step leaves in the memory of the process is no effect that could be seen" },
    run: async ({ step }) => {
      let count = 0;
      await step("one", () => void (count += 1));
      return count;
    },
  },
};
