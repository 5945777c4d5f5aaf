import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cancel, confirm, intro, isCancel, outro, text } from "@clack/prompts";
import type { Command } from "commander";
import { findConfig, projectRef } from "../bundle/config-file.ts";
import { sdkVersion } from "../bundle/project-root.ts";
import { CliError, EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addCommand } from "../define-command.ts";
import { configTemplate, EXAMPLE_TASK, IGNORED } from "../init/templates.ts";

interface InitFlags extends CommonOptions {
  yes?: boolean;
  project?: string;
  fromTrigger?: boolean;
  rewrite?: boolean;
  dryRun?: boolean;
}

export function initCommand(program: Command): void {
  addCommand<InitFlags>(program, "init", "Add Gantry to this project: configuration, a first task, dependencies", init)
    .option("-y, --yes", "ask nothing, take the defaults")
    .option("--project <ref>", "the project's ref (default: the name in package.json)")
    .option("--from-trigger", "move a project from Trigger.dev: its configuration, scripts and dependencies")
    .option("--rewrite", "with --from-trigger: rewrite imports of @trigger.dev/sdk too (they work as they are)")
    .option("--dry-run", "with --from-trigger: show what would change, and change nothing");
}

interface PackageJson {
  name?: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  [key: string]: unknown;
}

/** What was done to a file. */
interface Change {
  file: string;
  what: "written" | "kept" | "extended";
}

async function init(context: CommandContext, flags: InitFlags): Promise<ExitCode> {
  if (flags.fromTrigger) return await fromTrigger(context, flags);
  if (flags.rewrite || flags.dryRun) {
    throw new CliError("NEEDS_FROM_TRIGGER", "--rewrite and --dry-run go with --from-trigger.");
  }
  const { cwd, terminal } = context;
  const asks = terminal.isInteractive && !flags.yes && !context.json;
  const before = readPackage(cwd);
  const project = await chooseProject(flags, asks, projectRef(before?.name ?? basename(cwd)));
  if (project === undefined) return EXIT.failed;
  const changes = [writeConfig(cwd, project), writeExample(cwd), extendPackage(cwd, before), extendIgnore(cwd)];
  if (context.json) {
    context.printJson({ project, changes });
    return EXIT.ok;
  }
  const { dim, bold } = terminal.colors;
  for (const { file, what } of changes) terminal.out(`${dim(what.padEnd(8))} ${file}`);
  terminal.out(`\nNext:\n  ${bold("npm install")}\n  ${bold("npx gantry dev")}`);
  if (asks) outro("Done");
  return EXIT.ok;
}

async function fromTrigger(context: CommandContext, flags: InitFlags): Promise<ExitCode> {
  // A parser and a diff that no other command needs.
  const { moveFromTrigger } = await import("../init/from-trigger/move.ts");
  const code = await moveFromTrigger(context, {
    project: flags.project === undefined ? undefined : projectRef(flags.project),
    rewrites: flags.rewrite === true,
    dryRun: flags.dryRun === true,
    yes: flags.yes === true,
  });
  if (code === EXIT.ok && !flags.dryRun) extendIgnore(context.cwd);
  return code;
}

async function chooseProject(flags: InitFlags, asks: boolean, guess: string): Promise<string | undefined> {
  if (flags.project !== undefined || !asks) return projectRef(flags.project ?? guess);
  intro("gantry init");
  const answer = await text({ message: "The project's ref", initialValue: guess });
  const goesOn = isCancel(answer) ? answer : await confirm({ message: "Write the files into this folder?" });
  if (isCancel(answer) || goesOn !== true) {
    cancel("Nothing was changed.");
    return undefined;
  }
  return projectRef(answer || guess);
}

function writeConfig(cwd: string, project: string): Change {
  const existing = findConfig(cwd);
  if (existing !== undefined) return { file: basename(existing), what: "kept" };
  return writeNew(cwd, "gantry.config.ts", configTemplate(project));
}

function writeExample(cwd: string): Change {
  const folder = ["tasks", "trigger", "src/tasks", "src/trigger"].find((name) => existsSync(join(cwd, name)));
  if (folder !== undefined && folder !== "tasks") return { file: folder, what: "kept" };
  return writeNew(cwd, "tasks/example.ts", EXAMPLE_TASK);
}

function writeNew(cwd: string, name: string, content: string): Change {
  const file = join(cwd, name);
  if (existsSync(file)) return { file: name, what: "kept" };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
  return { file: name, what: "written" };
}

function readPackage(cwd: string): PackageJson | undefined {
  const file = join(cwd, "package.json");
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as PackageJson;
  } catch (cause) {
    throw new CliError("PACKAGE_JSON_BROKEN", `${file} is not JSON: ${(cause as Error).message}`, {
      remedy: "Correct it, then run `gantry init` again.",
    });
  }
}

function extendPackage(cwd: string, before: PackageJson | undefined): Change {
  const next: PackageJson = before ?? { name: projectRef(basename(cwd)), private: true, type: "module" };
  const version = `^${sdkVersion()}`;
  const missing = (name: string) => !next.dependencies?.[name] && !next.devDependencies?.[name];
  const addsSdk = missing("@gantry/sdk");
  const addsPlatform = missing("@gantry/platform");
  if (before !== undefined && !addsSdk && !addsPlatform) return { file: "package.json", what: "kept" };
  if (addsSdk) next.dependencies = { ...next.dependencies, "@gantry/sdk": version };
  if (addsPlatform) next.devDependencies = { ...next.devDependencies, "@gantry/platform": version };
  writeFileSync(join(cwd, "package.json"), `${JSON.stringify(next, null, 2)}\n`);
  return { file: "package.json", what: before === undefined ? "written" : "extended" };
}

function extendIgnore(cwd: string): Change {
  const file = join(cwd, ".gitignore");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const lines = before.split(/\r?\n/).map((line) => line.trim().replace(/\/$/, ""));
  const missing = IGNORED.filter((line) => !lines.includes(line.replace(/\/$/, "")));
  if (missing.length === 0) return { file: ".gitignore", what: "kept" };
  const gap = before === "" || before.endsWith("\n") ? "" : "\n";
  writeFileSync(file, `${before}${gap}${missing.join("\n")}\n`);
  return { file: ".gitignore", what: before === "" ? "written" : "extended" };
}
