import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { taskFile, tempProject } from "../../../test/support/temp-project.ts";
import { bundleOnce } from "./bundler.ts";
import { loadConfig } from "./config-file.ts";
import { describeBundle } from "./describe-bundle.ts";
import { startExtensions } from "./extensions.ts";
import { bundleForImage } from "./image-bundle.ts";
import { imageNeeds } from "./image-needs-policy.ts";

const config = (extensions: string, imports = "") =>
  `import { additionalFiles, additionalPackages, aptGet, esbuildPlugin, ffmpeg, syncEnvVars } from "@gantry/sdk/build";
${imports}
export default { project: "shop", build: { extensions: [${extensions}] } };`;

/** Both halves of a project's extensions, as a deploy runs them, without the bundle between. */
async function deployed(files: Record<string, string>) {
  const projectDir = tempProject({ "tasks/a.ts": taskFile("a"), ...files });
  const outputPath = join(projectDir, ".gantry/files");
  mkdirSync(outputPath, { recursive: true });
  const said: string[] = [];
  const started = await startExtensions(await loadConfig(projectDir), "deploy", (level, text) => {
    if (level !== "detail") said.push(`${level}: ${text}`);
  });
  const facts = { contentHash: "abc", environment: "prod", outputPath, externals: [], variables: { OLD: "1" } };
  const needs = await started.complete(facts);
  return { projectDir, outputPath, said, started, needs };
}

test("aptGet and ffmpeg become lines of a Dockerfile, with ffmpeg's variables in the image", async () => {
  const { needs } = await deployed({
    "gantry.config.ts": config(`aptGet({ packages: ["poppler-utils", "imagemagick"] }), ffmpeg()`),
  });
  expect(needs.instructions).toEqual([
    "RUN apt-get update && apt-get install -y --no-install-recommends imagemagick poppler-utils && rm -rf /var/lib/apt/lists/*",
    "RUN apt-get update && apt-get install -y --no-install-recommends ffmpeg && rm -rf /var/lib/apt/lists/*",
    'ENV FFMPEG_PATH="/usr/bin/ffmpeg"',
    'ENV FFPROBE_PATH="/usr/bin/ffprobe"',
  ]);
  expect(needs.variables).toEqual([]);
});

test("additionalFiles keep their path in the project, without what leads out of it", async () => {
  const { outputPath, said } = await deployed({
    "gantry.config.ts": config(`additionalFiles({ files: ["./templates/**/*.html", "prompts/*.md", "none.txt"] })`),
    "templates/mail/hello.html": "<p>hello</p>",
    "prompts/a.md": "# a",
  });
  expect(readFileSync(join(outputPath, "templates/mail/hello.html"), "utf8")).toBe("<p>hello</p>");
  expect(existsSync(join(outputPath, "prompts/a.md"))).toBe(true);
  expect(said).toEqual(["warning: additionalFiles: nothing is called none.txt."]);
});

test("additionalPackages take the version of the project, the one that is named, or the latest", async () => {
  const { needs } = await deployed({
    "gantry.config.ts": config(`additionalPackages({ packages: ["installed", "@scope/named@^2.1.0", "unknown"] })`),
    "node_modules/installed/package.json": `{ "name": "installed", "version": "3.4.5" }`,
  });
  expect(needs.packages).toEqual({ installed: "3.4.5", "@scope/named": "^2.1.0", unknown: "latest" });
});

test("syncEnvVars is told project, environment and variables, and gives values and secrets to upload", async () => {
  const { needs, said } = await deployed({
    "gantry.config.ts": config(
      `syncEnvVars(async ({ projectRef, environment, env }) => [
        { name: "WHERE", value: projectRef + "/" + environment + "/" + env.OLD },
        { name: "TOKEN", value: "s3cret", isSecret: true },
      ])`,
    ),
  });
  expect(needs.variables).toEqual([{ values: { WHERE: "shop/prod/1" }, secrets: { TOKEN: "s3cret" }, override: true }]);
  expect(said).toContain("step: 2 variables to upload");
  expect(said.join()).not.toContain("s3cret");
});

test("esbuildPlugin serves gantry dev and deploys; one that is meant for deploys only does not run in gantry dev", async () => {
  const plugin = (target: string) =>
    `esbuildPlugin({ name: "virtual", setup(build) {
      build.onResolve({ filter: /^virtual:where$/ }, () => ({ path: "where", namespace: "virtual" }));
      build.onLoad({ filter: /.*/, namespace: "virtual" }, () => ({ contents: "export default 'from-plugin'" }));
    } }, ${target})`;
  const task = `import where from "virtual:where"; import { task } from "@gantry/sdk"; export const t = task({ id: where, run: async () => 1 });`;
  const project = tempProject({ "gantry.config.ts": config(plugin("{}")), "tasks/a.ts": task });
  const loaded = await loadConfig(project);
  const { tasks } = await describeBundle(loaded, await bundleOnce(loaded), process.env);
  expect(tasks).toMatchObject([{ id: "from-plugin" }]);
  await expect(bundleForImage(loaded, await startExtensions(loaded, "deploy"))).resolves.toBeDefined();
  const only = tempProject({ "gantry.config.ts": config(plugin(`{ target: "deploy" }`)), "tasks/a.ts": task });
  await expect(bundleOnce(await loadConfig(only))).rejects.toMatchObject({ code: "BUILD_FAILED" });
});

test("an extension that throws is named, in gantry dev as in a deploy", async () => {
  const broken = `{ name: "mine", onBuildStart() { throw new Error("no network"); } }`;
  const late = `{ name: "late", onBuildComplete() { throw new Error("too late"); } }`;
  await expect(deployed({ "gantry.config.ts": config(broken) })).rejects.toMatchObject({
    code: "EXTENSION_FAILED",
    message: "The build extension mine failed: no network",
  });
  for (const [extension, message] of [
    [broken, /mine failed: no network/],
    [late, /late failed: too late/],
  ] as const) {
    const project = tempProject({ "tasks/a.ts": taskFile("a"), "gantry.config.ts": config(extension) });
    await expect(bundleOnce(await loadConfig(project))).rejects.toThrow(message);
  }
});

test("packages that an extension leaves outside are not bundled", async () => {
  const { projectDir, started } = await deployed({
    "gantry.config.ts": config(`{ name: "mine", externalsForTarget: (target) => [target + "-only"] }`),
    "node_modules/deploy-only/package.json": `{ "name": "deploy-only", "version": "1.0.0", "main": "index.js" }`,
    "node_modules/deploy-only/index.js": "module.exports = 1;",
    "tasks/b.ts": `import "deploy-only"; ${taskFile("b")}`,
  });
  const { outside } = await bundleForImage(await loadConfig(projectDir), started);
  expect(outside).toMatchObject([{ name: "deploy-only" }]);
});

const WRONG_LAYERS = {
  "a shell command in the place of a package's name is refused": { id: "x", image: { pkgs: ["curl; rm -rf /"] } },
  "a variable's name with an equals sign is refused": { id: "x", deploy: { env: { "A=B": "1" } } },
};
test.each(Object.entries(WRONG_LAYERS))("%s", (_sentence, layer) => {
  expect(() => imageNeeds([layer])).toThrow(/is not the name of a/);
});

test("a layer's commands run after its packages, with its build variables, as root; a later layer of its id replaces it", () => {
  const layer = { id: "a", image: { instructions: ["COPY --from=x /y /z"], pkgs: ["git"] }, commands: ["npx tool"] };
  expect(
    imageNeeds([
      { id: "a", commands: ["old"] },
      { ...layer, build: { env: { TOKEN: 'a"$b' } } },
    ]),
  ).toEqual({
    instructions: [
      'ARG TOKEN="a\\"\\$b"',
      "RUN apt-get update && apt-get install -y --no-install-recommends git && rm -rf /var/lib/apt/lists/*",
      "COPY --from=x /y /z",
      "RUN npx tool",
    ],
    packages: {},
    variables: [],
  });
});

test("Trigger.dev's own extensions do here what they do there", async () => {
  const theirs = join(import.meta.dirname, "../../../../node_modules/@trigger.dev/build");
  const project = tempProject({
    "trigger.config.ts": `import { additionalFiles, additionalPackages, aptGet, ffmpeg, syncEnvVars } from "@trigger.dev/build/extensions/core";
import { esbuildPlugin } from "@trigger.dev/build/extensions";
export default { project: "proj_x", build: { extensions: [
  aptGet({ packages: ["curl"] }), ffmpeg(), additionalFiles({ files: ["./assets/**"] }),
  additionalPackages({ packages: ["named@1.2.3"] }),
  syncEnvVars(async ({ environment }) => ({ WHERE: environment })),
  esbuildPlugin({ name: "theirs", setup() {} }),
] } };`,
    "assets/logo.svg": "<svg/>",
    "tasks/a.ts": taskFile("a"),
  });
  mkdirSync(join(project, "node_modules/@trigger.dev"), { recursive: true });
  symlinkSync(theirs, join(project, "node_modules/@trigger.dev/build"), "junction");
  const started = await startExtensions(await loadConfig(project), "deploy");
  expect(started.pluginsFirst.map(({ name }) => name)).toEqual(["theirs"]);
  const outputPath = join(project, ".gantry/files");
  const needs = await started.complete({ contentHash: "abc", environment: "prod", outputPath, externals: [] });
  expect(needs).toMatchObject({
    instructions: [
      expect.stringContaining(" curl "),
      expect.stringContaining(" ffmpeg "),
      /FFMPEG_PATH/,
      /FFPROBE/,
    ].map((each) => (each instanceof RegExp ? (expect.stringMatching(each) as string) : each)),
    packages: { named: "1.2.3" },
    variables: [{ values: { WHERE: "prod" }, override: true }],
  });
  expect(readdirSync(join(outputPath, "assets"))).toEqual(["logo.svg"]);
});

test("imports of @trigger.dev/build mean @gantry/sdk/build where theirs is not installed", async () => {
  const { needs } = await deployed({
    "trigger.config.ts": `import { aptGet } from "@trigger.dev/build/extensions/core";
import { emitDecoratorMetadata } from "@trigger.dev/build/extensions/typescript";
import type { BuildExtension } from "@trigger.dev/build";
void emitDecoratorMetadata;
export default { project: "proj_x", build: { extensions: [aptGet({ packages: ["curl"] })] as BuildExtension[] } };`,
  });
  expect(needs.instructions).toEqual([expect.stringContaining(" curl ")]);
});

test("code in an image is told the place of its source beside the bundle, where additional files lie", async () => {
  const project = tempProject({
    "src/tasks/deep/a.ts": `import { task } from "@gantry/sdk";
import { readFileSync } from "node:fs";
const beside = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");
const description = [beside("./a.txt"), __dirname, import.meta.dirname, import.meta.filename].join("|");
export const t = task({ id: "a", description, run: async () => 1 });`,
    "src/tasks/deep/a.txt": "beside",
  });
  const config = await loadConfig(project);
  const folder = join(project, "src/tasks/deep");
  const local = await describeBundle(config, await bundleOnce(config), process.env);
  expect(local.tasks[0]?.description).toBe(`beside|${folder}|${folder}|${folder}/a.ts`);
  const { files } = await bundleForImage(config);
  const image = join(tempProject({}), "bundle");
  for (const { name, contents } of files) {
    mkdirSync(join(image, name, ".."), { recursive: true });
    writeFileSync(join(image, name), contents);
  }
  mkdirSync(join(image, "src/tasks/deep"), { recursive: true });
  writeFileSync(join(image, "src/tasks/deep/a.txt"), "packed");
  const moved = await describeBundle(
    config,
    { hash: "x", dir: image, entry: "entry.mjs", mayWait: false },
    process.env,
  );
  expect(moved.tasks[0]?.description).toBe(
    ["packed", ...["", "", "/a.ts"].map((end) => `${join(image, "src/tasks/deep")}${end}`)].join("|"),
  );
});
