import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPackage } from "./check-package.mjs";
import { packAll } from "./pack.mjs";
import { ROOT } from "./paths.mjs";

const execute = promisify(execFile);
let folder;
let packages;

/** Runs a program in the project of the user; gives what it printed. */
async function run(file, args) {
  const { stdout } = await execute(file, args, {
    cwd: folder,
    shell: process.platform === "win32",
    maxBuffer: 1e8,
  }).catch((error) => {
    throw new Error(`${file} ${args.join(" ")}\n${error.stdout}${error.stderr}`);
  });
  return stdout.trim();
}

beforeAll(async () => {
  await execute(process.execPath, [join(ROOT, ".make", "build.mjs"), "--if-changed"]);
  folder = await mkdtemp(join(tmpdir(), "gantry-packages-"));
  packages = Object.fromEntries((await packAll(join(folder, "tarballs"))).map((each) => [each.name, each]));
  await writeFile(join(folder, "package.json"), JSON.stringify({ name: "shop", private: true, type: "module" }));
  const tarballs = Object.values(packages).map(({ path }) => path);
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--omit=optional", ...tarballs]);
}, 300_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the packed packages", () => {
  test("hold what they need, and no tests", () => {
    const want = {
      "@gantry/sdk": [
        "dist/index.js",
        "dist/index.cjs",
        "dist/index.d.ts",
        "dist/index.d.cts",
        "dist/react/index.js",
        "dist/react/index.cjs",
        "dist/react/index.d.ts",
        "dist/react/index.d.cts",
        "dist/cli/main.js",
        "LICENSE",
      ],
      "@gantry/worker": ["dist/runner.js", "dist/task-process.js", "LICENSE"],
      "@gantry/platform": [
        "dist/main.js",
        "dist/dashboard/index.html",
        "prisma/migrations/0001_init/migration.sql",
        "LICENSE",
      ],
    };
    expect(Object.keys(packages)).toEqual(Object.keys(want));
    for (const [name, files] of Object.entries(want)) {
      expect(packages[name].files).toEqual(expect.arrayContaining(files));
      expect(
        packages[name].files.filter((file) => /\.test(-d)?\.|\/fixtures\/|\.env|\.tsbuildinfo/.test(file)),
      ).toEqual([]);
    }
  });

  test("are found in order by publint and by Are the Types Wrong", async () => {
    for (const { name, path } of Object.values(packages))
      await checkPackage(path, { hasTypes: name === "@gantry/sdk" });
  }, 60_000);

  test("load as ES modules and as CommonJS", async () => {
    await writeFile(
      join(folder, "load.mjs"),
      'import * as sdk from "@gantry/sdk"; console.log(typeof sdk.task, typeof sdk.runs.retrieve);',
    );
    await writeFile(
      join(folder, "load.cjs"),
      'const sdk = require("@gantry/sdk"); console.log(typeof sdk.task, typeof sdk.runs.retrieve);',
    );
    expect(await run(process.execPath, ["load.mjs"])).toBe("function function");
    expect(await run(process.execPath, ["load.cjs"])).toBe("function function");
  });

  test("give their types to a strict project, under both ways to resolve modules", async () => {
    const source = `import { task } from "@gantry/sdk";
      export const add = task({ id: "add", run: async (numbers: { a: number; b: number }) => numbers.a + numbers.b });
      // @ts-expect-error a payload of another type is refused
      void add.trigger({ a: "1", b: 2 });
    `;
    await writeFile(join(folder, "use.ts"), source);
    await writeFile(join(folder, "use.cts"), source);
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const strict = ["--noEmit", "--strict", "--target", "es2022", "--ignoreConfig", "--types", ""];
    await run(process.execPath, [tsc, ...strict, "--module", "nodenext", "use.ts", "use.cts"]);
    await run(process.execPath, [tsc, ...strict, "--module", "esnext", "--moduleResolution", "bundler", "use.ts"]);
  }, 60_000);

  test("bring hooks, for where React is: for the client's side, with their types", async () => {
    await mkdir(join(folder, "node_modules", "@types"), { recursive: true });
    for (const name of ["react", "@types/react"])
      await symlink(join(ROOT, "node_modules", name), join(folder, "node_modules", name), "junction");
    await writeFile(
      join(folder, "hooks.mjs"),
      'import { useRealtimeRun } from "@gantry/sdk/react"; console.log(typeof useRealtimeRun);',
    );
    await writeFile(join(folder, "hooks.cjs"), 'console.log(typeof require("@gantry/sdk/react").useRealtimeRun);');
    expect(await run(process.execPath, ["hooks.mjs"])).toBe("function");
    expect(await run(process.execPath, ["hooks.cjs"])).toBe("function");
    for (const file of ["index.js", "index.cjs"]) {
      const text = await readFile(join(folder, "node_modules/@gantry/sdk/dist/react", file), "utf8");
      expect(text).toMatch(/^("use strict";\s*)?"use client";/);
    }
    const source = `import { task } from "@gantry/sdk";
      import { useRealtimeRun } from "@gantry/sdk/react";
      const add = task({ id: "add", run: async (numbers: { a: number }) => numbers.a });
      export const useSum = (id: string): number | undefined => useRealtimeRun<typeof add>(id).run?.output;
    `;
    await writeFile(join(folder, "hooks.ts"), source);
    const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
    const strict = [
      "--noEmit",
      "--strict",
      "--target",
      "es2022",
      "--lib",
      "es2022,dom",
      "--ignoreConfig",
      "--types",
      "",
    ];
    await run(process.execPath, [tsc, ...strict, "--module", "nodenext", "hooks.ts"]);
  }, 60_000);

  test("bring the CLI", async () => {
    expect(
      await run(process.execPath, [join("node_modules", "@gantry", "sdk", "dist", "cli", "main.js"), "--help"]),
    ).toContain("gantry");
  });
});
