/** Files that a function changes, by Node's own modules. */
import {
  appendFileSync,
  createWriteStream,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFile,
  writeFileSync,
} from "node:fs";
import { copyFile, cp, mkdtemp, open, rm, writeFile as write } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { type Case, scene } from "../stage.ts";

const SELF = process.argv[1] as string;

export const cases: Record<string, Case> = {
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
};
