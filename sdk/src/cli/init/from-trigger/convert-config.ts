import type * as Ast from "@babel/types";
import MagicString from "magic-string";
import { type Finding, moduleUses, parseSource, type SourceFile, visit } from "./source-file.ts";

export interface ConvertedConfig {
  text: string;
  findings: Finding[];
  /** Whether `@trigger.dev/build` is still needed. */
  keepsBuild: boolean;
  /** The folders with task files that it names. */
  dirs: string[];
}

const OUR_EXTENSIONS = new Set([
  "additionalFiles",
  "additionalPackages",
  "aptGet",
  "BuildContext",
  "BuildExtension",
  "BuildLayer",
  "BuildManifest",
  "emitDecoratorMetadata",
  "esbuildPlugin",
  "ffmpeg",
  "syncEnvVars",
]);

const RENAMED = new Map([
  ["triggerDirectories", "dirs"],
  ["experimental_processKeepAlive", "processKeepAlive"],
]);
const HOOKS = new Map([
  ["init", "tasks.init(({ payload, ctx }) => …)"],
  ["cleanup", "tasks.cleanup(({ payload, ctx }) => …)"],
  ["middleware", "tasks.middleware(({ next }) => …)"],
  ["onStart", "tasks.onStart(({ payload, ctx }) => …)"],
  ["onStartAttempt", "tasks.onStartAttempt(({ payload, ctx }) => …)"],
  ["onSuccess", "tasks.onSuccess(({ payload, output, ctx }) => …)"],
  ["onFailure", "tasks.onFailure(({ payload, error, ctx }) => …)"],
  ["onComplete", "tasks.onComplete(({ payload, result, ctx }) => …)"],
  ["onCancel", "tasks.onCancel(({ payload, ctx }) => …)"],
  ["onWait", "tasks.onWait(({ wait, ctx }) => …)"],
  ["onResume", "tasks.onResume(({ wait, ctx }) => …)"],
  ["handleError", "tasks.catchError(({ error, ctx }) => …)"],
  ["catchError", "tasks.catchError(({ error, ctx }) => …)"],
]);
const NO_COUNTERPART = new Map([
  ["enableConsoleLogging", "console output of runs is always kept"],
  ["disableConsoleInterceptor", "console output of runs is always kept"],
  ["telemetry", "runs are not traced by OpenTelemetry; start your own in init.ts"],
  ["instrumentations", "runs are not traced by OpenTelemetry; start your own in init.ts"],
  ["tsconfig", "the bundler reads the tsconfig.json nearest to each file"],
  ["extraCACerts", "set NODE_EXTRA_CA_CERTS in the environment's variables"],
  ["triggerUrl", "set GANTRY_API_URL"],
  ["dependenciesToBundle", "packages are bundled unless they have native code"],
  ["additionalFiles", "use the extension additionalFiles of @gantry/sdk/build"],
  ["additionalPackages", "use the extension additionalPackages of @gantry/sdk/build"],
  ["postInstall", "use a build extension with commands"],
  ["deploy", "environment variables are synced with the extension syncEnvVars of @gantry/sdk/build"],
]);
const DROPPED = new Set(["$schema", "legacyDevProcessCwdBehaviour"]);
const BUILD_OPTIONS = new Set(["external", "conditions", "extensions", "autoDetectExternal", "plugins"]);

/** A gantry.config.ts that says what a trigger.config.ts says. Comments and form are kept. Pure. */
export function convertConfig(file: string, text: string, project: string | undefined): ConvertedConfig {
  const source = parseSource(file, text);
  const edit = new MagicString(text);
  const findings: Finding[] = [];
  const say = (line: number | undefined, why: string) => findings.push({ file, line, why });
  const keepsBuild = convertImports(source, edit, say);
  renameConfigType(source, edit);
  warnOfExports(source, say);
  const config = configObject(source);
  if (config === undefined) say(undefined, "no configuration object was found; copy its options by hand");
  else convertOptions(source, config, edit, project, say);
  findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return { text: edit.toString(), findings, keepsBuild, dirs: config === undefined ? [] : dirsOf(config) };
}

type Say = (line: number | undefined, why: string) => unknown;

function convertImports(source: SourceFile, edit: MagicString, say: Say): boolean {
  let keepsBuild = false;
  for (const { module, start, end, line, names } of moduleUses(source)) {
    if (/^@trigger\.dev\/sdk(\/v3)?$/.test(module)) edit.overwrite(start, end, '"@gantry/sdk"');
    if (!module.startsWith("@trigger.dev/")) continue;
    const unknown = names.filter(({ imported }) => !OUR_EXTENSIONS.has(imported)).map(({ imported }) => imported);
    if (/^@trigger\.dev\/(build(\/|$)|core\/v3\/build$)/.test(module) && names.length > 0 && unknown.length === 0) {
      edit.overwrite(start, end, '"@gantry/sdk/build"');
    } else if (!module.startsWith("@trigger.dev/sdk")) {
      keepsBuild = true;
      for (const name of unknown.length > 0 ? unknown : [module]) say(line, keptReason(name, module));
    }
  }
  return keepsBuild;
}

function keptReason(name: string, module: string): string {
  if (name === "prismaExtension")
    return "prismaExtension is left as it is: a Prisma 7 client that is generated into the project is bundled without it; run `prisma generate` before the deploy and remove it";
  if (/playwright|puppeteer|lightpanda/i.test(name))
    return `${name} is left as it is: it has the same interface, and needs a builder with Docker`;
  if (/^sync\w+EnvVars$/.test(name)) return `${name} is left as it is: it has the same interface`;
  return `${name} of ${module} is left as it is; Gantry has nothing of that name`;
}

function renameConfigType({ ast }: SourceFile, edit: MagicString): void {
  visit(ast.program, (node) => {
    if (node.type === "Identifier" && node.name === "TriggerConfig")
      edit.overwrite(node.start ?? 0, (node.start ?? 0) + "TriggerConfig".length, "GantryConfig");
  });
}

/** Older configurations export functions beside the object. */
function warnOfExports({ ast }: SourceFile, say: Say): void {
  visit(ast.program, (node) => {
    if (node.type === "VariableDeclarator" && node.id.type === "Identifier" && node.id.name === "resolveEnvVars")
      say(node.loc?.start.line, "resolveEnvVars is not read; use the extension syncEnvVars of @gantry/sdk/build");
  });
}

/** What is exported as `default` or `config`, through a name, a call of defineConfig, `as` and `satisfies`. */
function configObject({ ast }: SourceFile): Ast.ObjectExpression | undefined {
  const variables = new Map<string, Ast.Expression>();
  let exported: Ast.Node | undefined;
  visit(ast.program, (node) => {
    if (node.type === "VariableDeclarator" && node.id.type === "Identifier" && node.init)
      variables.set(node.id.name, node.init);
    if (node.type === "ExportDefaultDeclaration") exported = node.declaration;
  });
  return objectOf(exported ?? variables.get("config"), variables);
}

function objectOf(
  node: Ast.Node | undefined,
  variables: Map<string, Ast.Expression>,
): Ast.ObjectExpression | undefined {
  if (node === undefined) return undefined;
  if (node.type === "ObjectExpression") return node;
  if (node.type === "TSAsExpression" || node.type === "TSSatisfiesExpression")
    return objectOf(node.expression, variables);
  if (node.type === "CallExpression") return objectOf(node.arguments[0], variables);
  if (node.type === "Identifier") {
    const value = variables.get(node.name);
    variables.delete(node.name);
    return objectOf(value, variables);
  }
  return undefined;
}

type Property = Ast.ObjectExpression["properties"][number];

function keyOf(property: Property): string | undefined {
  if (property.type === "SpreadElement" || property.computed) return undefined;
  if (property.key.type === "Identifier") return property.key.name;
  return property.key.type === "StringLiteral" ? property.key.value : undefined;
}

function convertOptions(
  source: SourceFile,
  config: Ast.ObjectExpression,
  edit: MagicString,
  project: string | undefined,
  say: Say,
): void {
  for (const property of config.properties) {
    const key = keyOf(property);
    const value = property.type === "ObjectProperty" ? property.value : undefined;
    if (key === undefined) say(property.loc?.start.line, "what is spread or computed here was not looked at");
    else if (key === "project" && project !== undefined && value) replace(value, JSON.stringify(project), edit);
    else if (key === "build" && value) convertBuild(source, value, edit, say);
    else if (RENAMED.has(key) && property.type === "ObjectProperty" && !property.shorthand)
      replace(property.key, RENAMED.get(key) as string, edit);
    else removeUnknown(source, property, key, edit, say);
  }
}

function replace(node: Ast.Node, text: string, edit: MagicString): void {
  edit.overwrite(node.start ?? 0, node.end ?? 0, text);
}

function removeUnknown(source: SourceFile, property: Property, key: string, edit: MagicString, say: Say): void {
  const why = whyRemoved(key, property);
  if (why === undefined) return;
  remove(source, property, edit);
  if (why !== "") say(property.loc?.start.line, why);
}

/** Undefined where the option stays, "" where it goes without a word. */
function whyRemoved(key: string, property: Property): string | undefined {
  const hook = HOOKS.get(key);
  if (hook !== undefined) return `the hook ${key} has to move to init.ts in a folder of task files: ${hook}`;
  const reason = NO_COUNTERPART.get(key);
  if (reason !== undefined) return `${key} is left out: ${reason}`;
  if (key === "runtime") {
    const isBun =
      property.type === "ObjectProperty" &&
      property.value.type === "StringLiteral" &&
      property.value.value.startsWith("bun");
    return isBun ? "runtime is left out: tasks run on Node.js 24; Bun's own APIs are not there" : "";
  }
  return DROPPED.has(key) ? "" : undefined;
}

function convertBuild(source: SourceFile, value: Ast.Node, edit: MagicString, say: Say): void {
  if (value.type !== "ObjectExpression") return void say(value.loc?.start.line, "build was not looked at");
  for (const property of value.properties) {
    const key = keyOf(property);
    if (key === undefined || BUILD_OPTIONS.has(key)) continue;
    if (key === "experimental_autoDetectExternal" && property.type === "ObjectProperty") {
      replace(property.key, "autoDetectExternal", edit);
      continue;
    }
    remove(source, property, edit);
    say(property.loc?.start.line, `build.${key} is left out: Gantry has no such option`);
  }
}

/** With the comma after it and the space before, and its line where it has one to itself. */
function remove({ text }: SourceFile, property: Property, edit: MagicString): void {
  const start = property.start ?? 0;
  const end = property.end ?? 0;
  const comma = /^\s*,/.exec(text.slice(end))?.[0].length ?? 0;
  const isLinesLast = /^[ \t]*(\r?\n|$)/.test(text.slice(end + comma));
  const before = (isLinesLast ? /\r?\n[ \t]*$|[ \t]*$/ : /[ \t]*$/).exec(text.slice(0, start))?.[0] ?? "";
  edit.remove(start - before.length, end + comma);
}

function dirsOf(config: Ast.ObjectExpression): string[] {
  const dirs = config.properties.find((property) => ["dirs", "triggerDirectories"].includes(keyOf(property) ?? ""));
  if (dirs?.type !== "ObjectProperty" || dirs.value.type !== "ArrayExpression") return [];
  return dirs.value.elements.flatMap((element) => (element?.type === "StringLiteral" ? [element.value] : []));
}
