import { existsSync, globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import * as client from "../../../client/index.ts";
import * as authoring from "../../../task/authoring.ts";
import { findConfig } from "../../bundle/config-file.ts";
import { sdkVersion } from "../../bundle/project-root.ts";
import { CliError } from "../../cli-error.ts";
import { convertConfig } from "./convert-config.ts";
import { convertPackage } from "./convert-package.ts";
import { convertSource } from "./convert-source.ts";
import type { Finding } from "./source-file.ts";

/** A file as it is and as it would be; `before` is undefined for a new one. */
export interface FileChange {
  file: string;
  before: string | undefined;
  after: string;
}

export interface MovePlan {
  changes: FileChange[];
  /** What a person has to look at. */
  findings: Finding[];
}

export interface MoveOptions {
  /** Replaces the project's ref. */
  project: string | undefined;
  /** Whether imports in task files and apps are rewritten; they work as they are. */
  rewrites: boolean;
}

const CODE = "**/*.{ts,tsx,mts,cts,js,jsx,mjs,cjs}";
const NOT_ENTERED = /(^|\/)(node_modules|dist|build|out|coverage|\.[^/]+)$/;

/** What moving the project in `cwd` from Trigger.dev changes. Nothing is written. Error: NO_TRIGGER_CONFIG, CONFIG_BROKEN. */
export function planMove(cwd: string, options: MoveOptions): MovePlan {
  const configFile = triggerConfig(cwd);
  const config = converted(configFile, readFileSync(join(cwd, configFile), "utf8"), options.project);
  const configTarget = configFile.replace("trigger.config", "gantry.config");
  const sources = moveSources(cwd, options, new Set([configFile, configTarget]));
  const changes = [change(cwd, configTarget, config.text), ...sources.changes];
  const findings = [...config.findings, ...sources.findings];
  if (existsSync(join(cwd, "package.json"))) {
    const text = readFileSync(join(cwd, "package.json"), "utf8");
    const unneeded = unneededPackages(config.keepsBuild, options.rewrites && !sources.keepsSdk);
    const moved = convertPackage("package.json", text, { version: `^${sdkVersion()}`, unneeded });
    changes.push(change(cwd, "package.json", moved.text));
    findings.push(...moved.findings);
  }
  findings.push(...environmentFindings(cwd));
  return { changes: changes.filter(({ before, after }) => before !== after), findings };
}

function triggerConfig(cwd: string): string {
  const names = ["ts", "mts", "js", "mjs"].map((extension) => `trigger.config.${extension}`);
  const found = names.find((name) => existsSync(join(cwd, name)));
  if (found !== undefined) return found;
  const own = findConfig(cwd);
  throw new CliError("NO_TRIGGER_CONFIG", `There is no trigger.config.ts in ${cwd}.`, {
    remedy:
      own === undefined
        ? "Run it in the folder that has it, or `gantry init` for a project that is new."
        : `The project has ${basename(own)} already: there is nothing to move.`,
  });
}

function converted(file: string, text: string, project: string | undefined) {
  try {
    return convertConfig(file, text, project);
  } catch (cause) {
    throw new CliError("CONFIG_BROKEN", `${file} cannot be read: ${(cause as Error).message}`, {
      remedy: "Correct the file; nothing was changed.",
      cause,
    });
  }
}

function change(cwd: string, file: string, after: string): FileChange {
  const path = join(cwd, file);
  return { file, before: existsSync(path) ? readFileSync(path, "utf8") : undefined, after };
}

function moveSources(cwd: string, { rewrites }: MoveOptions, except: Set<string>) {
  const exported = new Set([...Object.keys(client), ...Object.keys(authoring), "defineConfig"]);
  const changes: FileChange[] = [];
  const findings: Finding[] = [];
  let keepsSdk = false;
  const files = globSync(CODE, { cwd, exclude: (path) => NOT_ENTERED.test(path.replaceAll("\\", "/")) })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !except.has(file) && !file.endsWith(".d.ts"))
    .sort();
  for (const file of files) {
    const before = readFileSync(join(cwd, file), "utf8");
    if (!before.includes("@trigger.dev/")) continue;
    const moved = convertSource(file, before, { rewrites, exported });
    findings.push(...moved.findings);
    keepsSdk ||= moved.text.includes("@trigger.dev/sdk");
    changes.push({ file, before, after: moved.text });
  }
  return { changes, findings, keepsSdk };
}

/** Task files that still say `@trigger.dev/sdk` need it for their types. */
function unneededPackages(keepsBuild: boolean, isRewritten: boolean): string[] {
  return [
    "trigger.dev",
    "@trigger.dev/react-hooks",
    ...(keepsBuild ? [] : ["@trigger.dev/build"]),
    ...(isRewritten ? ["@trigger.dev/sdk"] : []),
  ];
}

const VARIABLES: Record<string, string> = {
  TRIGGER_SECRET_KEY: "is read, but needs a key of your Gantry in it (`gantry dev` prints one)",
  TRIGGER_API_URL: "is read, but needs the address of your Gantry in it",
  TRIGGER_ACCESS_TOKEN: "is read, but needs a token of your Gantry in it (`gantry login`)",
  TRIGGER_PROJECT_REF: "is not read: the project is named in gantry.config",
  TRIGGER_PREVIEW_BRANCH: "is not read: there are no preview branches",
};

/** Values are nobody's to change or to show. */
function environmentFindings(cwd: string): Finding[] {
  return globSync(".env*", { cwd })
    .sort()
    .flatMap((file) =>
      readFileSync(join(cwd, file), "utf8")
        .split(/\r?\n/)
        .flatMap((text, index) => {
          const name = /^\s*(?:export\s+)?(TRIGGER_\w+)\s*=/.exec(text)?.[1];
          const why = name === undefined ? undefined : VARIABLES[name];
          return why === undefined ? [] : [{ file, line: index + 1, why: `${name} ${why}` }];
        }),
    );
}
