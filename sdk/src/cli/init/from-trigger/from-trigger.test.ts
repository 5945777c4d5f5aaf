import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, emptyFolder } from "../../../../test/support/fake-terminal.ts";
import { tempProject, writeFiles } from "../../../../test/support/temp-project.ts";
import * as hooks from "../../../react/index.ts";
import { loadConfig } from "../../bundle/config-file.ts";
import { convertConfig } from "./convert-config.ts";
import { convertPackage } from "./convert-package.ts";
import { convertSource, REACT_NAMES } from "./convert-source.ts";

const SAAS = `import { additionalFiles, ffmpeg, syncEnvVars } from "@trigger.dev/build/extensions/core";
import { prismaExtension } from "@trigger.dev/build/extensions/prisma";
import { defineConfig } from "@trigger.dev/sdk";

// Our jobs.
export default defineConfig({
  project: "proj_abcdefgh",
  runtime: "node",
  logLevel: "log",
  // The max compute seconds a task is allowed to run.
  maxDuration: 3600,
  retries: {
    enabledInDev: true,
    default: { maxAttempts: 3, minTimeoutInMs: 1000, maxTimeoutInMs: 10000, factor: 2, randomize: true },
  },
  dirs: ["./src/trigger"],
  machine: "small-2x",
  telemetry: { instrumentations: [] },
  onFailure: async ({ payload, error, ctx }) => {
    console.error("failed", ctx.run.id, error);
  },
  build: {
    external: ["sharp"],
    extensions: [
      ffmpeg(),
      additionalFiles({ files: ["./assets/**"] }),
      prismaExtension({ schema: "prisma/schema.prisma" }),
      syncEnvVars(async () => ({ A: "1" })),
    ],
    jsx: { automatic: true },
  },
});
`;

test("a usual trigger.config.ts: comments and form stay, what has no counterpart is told with its line", () => {
  const { text, findings, keepsBuild, dirs } = convertConfig("trigger.config.ts", SAAS, undefined);
  expect(text).toBe(`import { additionalFiles, ffmpeg, syncEnvVars } from "@gantry/sdk/build";
import { prismaExtension } from "@trigger.dev/build/extensions/prisma";
import { defineConfig } from "@gantry/sdk";

// Our jobs.
export default defineConfig({
  project: "proj_abcdefgh",
  logLevel: "log",
  // The max compute seconds a task is allowed to run.
  maxDuration: 3600,
  retries: {
    enabledInDev: true,
    default: { maxAttempts: 3, minTimeoutInMs: 1000, maxTimeoutInMs: 10000, factor: 2, randomize: true },
  },
  dirs: ["./src/trigger"],
  machine: "small-2x",
  build: {
    external: ["sharp"],
    extensions: [
      ffmpeg(),
      additionalFiles({ files: ["./assets/**"] }),
      prismaExtension({ schema: "prisma/schema.prisma" }),
      syncEnvVars(async () => ({ A: "1" })),
    ],
  },
});
`);
  expect(findings.map(({ line, why }) => `${line} ${why.split(/[ :]/, 3).join(" ")}`)).toEqual([
    "2 prismaExtension is left",
    "18 telemetry is left",
    "19 the hook onFailure",
    "30 build.jsx is left",
  ]);
  expect({ keepsBuild, dirs }).toEqual({ keepsBuild: true, dirs: ["./src/trigger"] });
});

const TYPED = `import type { TriggerConfig } from '@trigger.dev/sdk/v3';
import { emitDecoratorMetadata } from '@trigger.dev/build/extensions/typescript';
import { esbuildPlugin, type BuildExtension } from '@trigger.dev/build';

const mine: BuildExtension = { name: 'mine' };

export const config: TriggerConfig = {
  project: 'proj_old', triggerDirectories: ['./jobs'], enableConsoleLogging: true, runtime: 'bun',
  build: { extensions: [emitDecoratorMetadata(), mine, esbuildPlugin({ name: 'x', setup() {} })], experimental_autoDetectExternal: true, minify: true },
};

export const resolveEnvVars = async () => ({ variables: [] });
`;

test("an older one, typed, exported by name, on few lines", () => {
  const { text, findings, keepsBuild } = convertConfig("trigger.config.ts", TYPED, "shop");
  expect(text).toBe(`import type { GantryConfig } from "@gantry/sdk";
import { emitDecoratorMetadata } from "@gantry/sdk/build";
import { esbuildPlugin, type BuildExtension } from "@gantry/sdk/build";

const mine: BuildExtension = { name: 'mine' };

export const config: GantryConfig = {
  project: "shop", dirs: ['./jobs'],
  build: { extensions: [emitDecoratorMetadata(), mine, esbuildPlugin({ name: 'x', setup() {} })], autoDetectExternal: true, },
};

export const resolveEnvVars = async () => ({ variables: [] });
`);
  expect(findings.map(({ line, why }) => [line, why.split(" ")[0]])).toEqual([
    [8, "enableConsoleLogging"],
    [8, "runtime"],
    [9, "build.minify"],
    [12, "resolveEnvVars"],
  ]);
  expect(keepsBuild).toBe(false);
});

const INDIRECT = `import { defineConfig, logger } from "@trigger.dev/sdk/v3";
import { syncVercelEnvVars } from "@trigger.dev/build/extensions/core";
import { shared } from "./shared.js";

const config = {
  ...shared,
  project: process.env.PROJECT!,
  init: async () => logger.info("up"),
  async handleError() {},
  build: { extensions: [syncVercelEnvVars()] },
} satisfies Parameters<typeof defineConfig>[0];

export default defineConfig(config);
`;

test("one with a spread, exported through a name: what is spread was not looked at, and that is told", () => {
  const { text, findings } = convertConfig("trigger.config.ts", INDIRECT, undefined);
  expect(text).toContain(`const config = {
  ...shared,
  project: process.env.PROJECT!,
  build: { extensions: [syncVercelEnvVars()] },
} satisfies`);
  expect(findings.map(({ line, why }) => `${line} ${why}`)).toEqual([
    "2 syncVercelEnvVars is left as it is: it has the same interface",
    "6 what is spread or computed here was not looked at",
    "8 the hook init has to move to init.ts in a folder of task files: tasks.init(({ payload, ctx }) => …)",
    "9 the hook handleError has to move to init.ts in a folder of task files: tasks.catchError(({ error, ctx }) => …)",
  ]);
});

test("a configuration without an object to read is kept, and told", () => {
  const { text, findings } = convertConfig("trigger.config.ts", "export default make();\n", undefined);
  expect(text).toBe("export default make();\n");
  expect(findings).toMatchObject([{ line: undefined, why: expect.stringContaining("by hand") as string }]);
});

test("what was converted is a configuration that Gantry reads, extensions included", async () => {
  const project = tempProject({
    "gantry.config.ts": convertConfig("trigger.config.ts", SAAS, "shop").text,
    "node_modules/@trigger.dev/build/package.json": `{ "name": "@trigger.dev/build", "type": "module", "exports": { "./extensions/prisma": "./prisma.js" } }`,
    "node_modules/@trigger.dev/build/prisma.js": "export const prismaExtension = () => ({ name: 'prisma' });",
  });
  const config = await loadConfig(project);
  expect(config).toMatchObject({ project: "shop", maxDuration: 3600, machine: "small-2x", warnings: [] });
  expect(config.build.extensions.map(({ name }) => name)).toEqual([
    "ffmpeg",
    "additionalFiles",
    "prisma",
    "syncEnvVars",
  ]);
});

test("imports are rewritten where that is asked for, of hooks always; names that are missing are told", () => {
  const source = `import { schedules, task, type Context } from "@trigger.dev/sdk/v3";
import { useRealtimeRun, useSessionStream, type UseRealtimeRunInstance } from '@trigger.dev/react-hooks';
export * from '@trigger.dev/sdk';
const lazily = () => import("@trigger.dev/sdk/v3");
`;
  const exported = new Set(["task"]);
  const kept = convertSource("a.ts", source, { rewrites: false, exported });
  expect(kept.text).toBe(source.replace("@trigger.dev/react-hooks", "@gantry/sdk/react"));
  const { text, findings } = convertSource("a.ts", source, { rewrites: true, exported });
  expect(text).toBe(`import { schedules, task, type Context } from "@gantry/sdk";
import { useRealtimeRun, useSessionStream, type UseRealtimeRunInstance } from '@gantry/sdk/react';
export * from '@gantry/sdk';
const lazily = () => import("@gantry/sdk");
`);
  expect(findings).toEqual(kept.findings);
  expect(findings).toMatchObject([
    { line: 1, why: "schedules of @trigger.dev/sdk/v3 is not in @gantry/sdk" },
    { line: 2, why: "useSessionStream of @trigger.dev/react-hooks is not in @gantry/sdk/react" },
  ]);
});

test("the hooks that are said to have the same name have it", () => {
  expect([...REACT_NAMES].filter((name) => !(name in hooks))).toEqual([]);
});

test("scripts start gantry, options that it has not are told, indentation stays", () => {
  const text = `{
    "scripts": {
        "dev": "concurrently 'next dev' 'npx trigger.dev@latest dev'",
        "deploy": "pnpm dlx trigger.dev@4.1.0 deploy --env staging --self-hosted --push",
        "build": "next build",
        "preview": "trigger preview archive"
    },
    "dependencies": { "@trigger.dev/sdk": "4.1.0", "next": "15.0.0" },
    "devDependencies": { "@trigger.dev/build": "4.1.0", "trigger.dev": "4.1.0" }
}
`;
  const changes = { version: "^0.1.0", unneeded: ["trigger.dev", "@trigger.dev/build"] };
  const { text: after, findings } = convertPackage("package.json", text, changes);
  expect(after).toContain('\n    "scripts"');
  expect(JSON.parse(after)).toEqual({
    scripts: {
      dev: "concurrently 'next dev' 'gantry dev'",
      deploy: "gantry deploy --env staging",
      build: "next build",
      preview: "trigger preview archive",
    },
    dependencies: { "@gantry/sdk": "^0.1.0", "@trigger.dev/sdk": "4.1.0", next: "15.0.0" },
    devDependencies: { "@gantry/platform": "^0.1.0" },
  });
  expect(findings).toMatchObject([
    { line: 4, why: "--self-hosted --push is left out: Gantry has no such option" },
    { line: 6, why: "the script runs `trigger preview`, which Gantry has not" },
  ]);
});

function project(): string {
  const cwd = emptyFolder();
  writeFiles(cwd, {
    "package.json": `{ "name": "shop", "dependencies": { "@trigger.dev/sdk": "4.1.0" }, "devDependencies": { "trigger.dev": "4.1.0" } }`,
    "trigger.config.ts": SAAS,
    "src/trigger/a.ts": `import { task } from "@trigger.dev/sdk";\nexport const a = task({ id: "a", run: async () => 1 });\n`,
    "node_modules/x/index.js": `require("@trigger.dev/react-hooks");`,
    ".env": "OTHER=1\nTRIGGER_SECRET_KEY=tr_prod_secret\n",
  });
  return cwd;
}
const read = (cwd: string, file: string) => readFileSync(join(cwd, file), "utf8");

test("--dry-run shows the differences and changes nothing", async () => {
  const cwd = project();
  const { exitCode, out } = await cli(["init", "--from-trigger", "--rewrite", "--dry-run"], { cwd });
  expect(exitCode).toBe(0);
  expect(out).toContain("--- a/src/trigger/a.ts");
  expect(out).toContain(`+import { task } from "@gantry/sdk";`);
  expect(out).toContain("+++ b/gantry.config.ts");
  expect(out).toContain(".env:2  TRIGGER_SECRET_KEY is read, but needs a key of your Gantry");
  expect(out).not.toContain("tr_prod_secret");
  expect(existsSync(join(cwd, "gantry.config.ts"))).toBe(false);
  expect(read(cwd, "src/trigger/a.ts")).toContain("@trigger.dev/sdk");
});

test("without a terminal nothing is changed until --yes says so", async () => {
  const cwd = project();
  const { exitCode, err } = await cli(["init", "--from-trigger"], { cwd });
  expect(exitCode).toBe(2);
  expect(err).toContain("NEEDS_YES");
  expect(existsSync(join(cwd, "gantry.config.ts"))).toBe(false);
});

test("--yes writes the files; task files stay as they are, for they work", async () => {
  const cwd = project();
  const { exitCode, out } = await cli(["init", "--from-trigger", "--yes", "--json"], { cwd });
  expect(exitCode).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    changes: [
      { file: "gantry.config.ts", what: "written" },
      { file: "package.json", what: "changed" },
    ],
    notConverted: expect.arrayContaining([
      expect.objectContaining({ file: "trigger.config.ts", line: 19 }),
    ]) as unknown[],
  });
  expect(read(cwd, "gantry.config.ts")).toContain("@gantry/sdk/build");
  expect(read(cwd, ".gitignore")).toContain(".gantry/");
  expect(JSON.parse(read(cwd, "package.json"))).toMatchObject({
    dependencies: { "@gantry/sdk": expect.any(String) as string, "@trigger.dev/sdk": "4.1.0" },
    devDependencies: { "@gantry/platform": expect.any(String) as string },
  });
});

test("a project that was moved builds with gantry and declares its tasks", async () => {
  const cwd = project();
  await cli(["init", "--from-trigger", "--yes", "--rewrite"], { cwd });
  mkdirSync(join(cwd, "node_modules/@gantry"), { recursive: true });
  symlinkSync(join(import.meta.dirname, "../../../.."), join(cwd, "node_modules/@gantry/sdk"), "junction");
  // As it was told: Prisma 7 needs no extension.
  writeFileSync(join(cwd, "gantry.config.ts"), read(cwd, "gantry.config.ts").replace(/^.*prisma.*\n/gm, ""));
  const { bundleOnce } = await import("../../bundle/bundler.ts");
  const { describeBundle } = await import("../../bundle/describe-bundle.ts");
  const config = await loadConfig(cwd);
  const { tasks, defaultRetry } = await describeBundle(config, await bundleOnce(config), process.env);
  expect(tasks.map(({ id }) => id)).toEqual(["a"]);
  expect(defaultRetry).toMatchObject({ maxAttempts: 3 });
});

test("a folder without trigger.config.ts is told so", async () => {
  const { exitCode, err } = await cli(["init", "--from-trigger"]);
  expect(exitCode).toBe(2);
  expect(err).toContain("NO_TRIGGER_CONFIG");
});
