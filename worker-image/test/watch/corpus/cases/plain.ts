/** What Node's own modules do, but for the network. */
import { exec, spawn, spawnSync } from "node:child_process";
import { createHash, getRandomValues, randomBytes, randomUUID } from "node:crypto";
import { lookup } from "node:dns/promises";
import { EventEmitter, once } from "node:events";
import {
  appendFileSync,
  createReadStream,
  createWriteStream,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFile,
  writeFileSync,
} from "node:fs";
import { access, copyFile, cp, mkdtemp, open, readdir, readFile, rm, writeFile as write } from "node:fs/promises";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { setImmediate as turn, setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { gunzip, gzip } from "node:zlib";
import { type Case, scene } from "../stage.ts";

const SELF = process.argv[1] as string;

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

  writeFileSync: { want: "file", call: "writeFileSync", run: ({ folder }) => writeFileSync(join(folder, "a"), "x") },
  appendFileSync: { want: "file", run: ({ folder }) => appendFileSync(join(folder, "a"), "x") },
  "writeFile with a callback": {
    want: "file",
    call: "writeFile",
    run: ({ folder }) => promisify(writeFile)(join(folder, "a"), "x"),
  },
  "writeFile of fs/promises": { want: "file", call: "write", run: ({ folder }) => write(join(folder, "a"), "x") },
  "a write stream": {
    want: "file",
    run: async ({ folder }) => await pipeline(["x"], createWriteStream(join(folder, "a"))),
  },
  "a file handle opened for writing": {
    want: "file",
    run: async ({ folder }) => {
      const file = await open(join(folder, "a"), "w");
      await file.write("x");
      await file.close();
    },
  },
  "making a folder": { want: "file", run: ({ folder }) => mkdirSync(join(folder, "a")) },
  "a temporary folder": { want: "file", run: ({ folder }) => mkdtemp(join(folder, "a")) },
  renaming: {
    want: "file",
    load: ({ folder }) => writeFileSync(join(folder, "a"), "x"),
    run: ({ folder }) => renameSync(join(folder, "a"), join(folder, "b")),
  },
  removing: { want: "file", run: ({ folder }) => rmSync(join(folder, "a"), { force: true, recursive: true }) },
  "removing with promises": {
    want: "file",
    load: ({ folder }) => writeFileSync(join(folder, "a"), "x"),
    run: async ({ folder }) => await rm(join(folder, "a"), { force: true, recursive: true }),
  },
  copying: { want: "file", run: ({ folder }) => copyFile(SELF, join(folder, basename(SELF))) },
  "copying a tree": {
    want: "file",
    run: async ({ folder }) => await cp(SELF, join(folder, "tree"), { recursive: true }),
  },
  "a symbolic link": { want: "file", run: ({ folder }) => symlinkSync(SELF, join(folder, "link")) },
  "a file written in module code, before the function": {
    want: "safe",
    load: ({ folder }) => writeFileSync(join(folder, "a"), "x"),
    run: () => undefined,
  },
  "a file written in a step": {
    want: "stepFile",
    run: ({ step, folder }) => step("one", () => writeFileSync(join(folder, "a"), "x")),
  },
  "a file written in a step that calls it disposable": {
    want: "safe",
    run: ({ step, folder }) => step("one", () => write(join(folder, "a"), "x"), { files: "disposable" }),
  },
  "a file written in repeatable code": {
    want: "safe",
    run: ({ repeatable, folder }) => repeatable(() => write(join(folder, "a"), "x")),
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
  "spawn, left running": { want: "child", isBusy: true, run: () => void spawn("sleep", ["1"], { stdio: "ignore" }) },
  "exec in a step": { want: "safe", run: ({ step }) => step("one", () => promisify(exec)("true")) },
  "a worker thread": {
    want: "worker",
    run: async () => once(new Worker("0", { eval: true }), "exit"),
  },
  "a worker thread in a step": {
    want: "safe",
    run: ({ step }) => step("one", async () => void (await once(new Worker("0", { eval: true }), "exit"))),
  },
  "a signal to another process": {
    want: "signal",
    call: "process.kill",
    load: () => spawn("sleep", ["5"], { stdio: "ignore" }).unref(),
    run: ({ sleep }) => {
      process.kill(process.pid, "SIGCONT");
      return sleep(1);
    },
  },

  "SQLite in a file": scene({
    want: "file",
    load: async ({ folder }) => new (await import("node:sqlite")).DatabaseSync(join(folder, "db")),
    run: (_, database) => database.exec("create table t (a); insert into t values (1)"),
  }),
  "SQLite by a prepared statement": scene({
    want: "file",
    load: async ({ folder }) => {
      const database = new (await import("node:sqlite")).DatabaseSync(join(folder, "db"));
      database.exec("create table t (a)");
      return database;
    },
    run: (_, database) => database.prepare("insert into t values (?)").run(1),
  }),
  "SQLite, reading": scene({
    want: "safe",
    load: async ({ folder }) => {
      const database = new (await import("node:sqlite")).DatabaseSync(join(folder, "db"));
      database.exec("create table t (a)");
      return database;
    },
    run: (_, database) => database.prepare("select * from t").all(),
  }),
  "SQLite in memory": scene({
    want: "safe",
    load: async () => new (await import("node:sqlite")).DatabaseSync(":memory:"),
    run: (_, database) => database.exec("create table t (a); insert into t values (1)"),
  }),
  "SQLite, loaded by the function": {
    want: "file",
    hasNoLine: true,
    run: async ({ folder }) => {
      const { DatabaseSync } = await import("node:sqlite");
      new DatabaseSync(join(folder, "db")).exec("create table t (a)");
    },
  },

  "a timer that races a step": {
    want: "beside",
    run: ({ step, sleep }) => Promise.race([step("one", () => sleep(30)), sleep(5)]),
  },
  "a timer that races a wait": {
    want: "beside",
    call: "sleep",
    run: ({ wait, sleep }) => Promise.all([wait(), sleep(5)]),
  },
  "a file read beside a step": {
    want: "beside",
    run: async ({ step, sleep }) => await Promise.all([step("one", () => sleep(30)), readFile(SELF)]),
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
