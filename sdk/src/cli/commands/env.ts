import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { isCancel, password } from "@clack/prompts";
import type { Command } from "commander";
import { REDACTED } from "../../contract/api/variables.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { isAccessToken } from "../connection.ts";
import { addApiCommand } from "../define-command.ts";
import { age, table } from "../terminal.ts";

interface Variable {
  name: string;
  value: string;
  isSecret: boolean;
  updatedAt: string;
}

export function envCommand(program: Command): void {
  const env = program.command("env").description("Environment variables of a deployed environment");
  addApiCommand(env, "list", "List variables; secrets without their values", list);
  addApiCommand(env, "get <name>", "Print a variable's value", get);
  addApiCommand<SetFlags>(env, "set <name> [value]", "Set a variable; the next run has it", set)
    .option("--secret", "never show its value again")
    .addHelpText(
      "after",
      "\nWithout a value, or with -, it is read from standard input, or asked for without an echo.",
    );
  addApiCommand(env, "unset <name...>", "Remove variables", unset);
  addApiCommand<ImportFlags>(
    env,
    "import <file>",
    "Set all variables of a .env file (- for standard input)",
    importFile,
  )
    .option("--no-override", "refuse all where one is there already")
    .option("--secret", "never show their values again");
  addApiCommand<PullFlags>(
    env,
    "pull [file]",
    "Write the variables as a .env file (default: standard output)",
    pull,
  ).option("--force", "replace the file that is there");
}

async function list(context: CommandContext): Promise<void> {
  const variables = await fetchAll(context);
  if (context.json) return context.printJson(variables);
  if (variables.length === 0) return context.terminal.err("The environment has no variables.");
  const now = context.terminal.now();
  const rows = variables.map(({ name, value, isSecret, updatedAt }) => [
    name,
    isSecret ? "(secret)" : oneLine(value),
    age(updatedAt, now),
  ]);
  context.terminal.out(table(["NAME", "VALUE", "CHANGED"], rows, context.terminal.colors));
}

async function get(context: CommandContext, _flags: CommonOptions, name: string): Promise<void> {
  const { data } = await context.api().request<Variable>({
    method: "GET",
    path: `${await pathOf(context)}/${encodeURIComponent(name)}`,
    repeatable: "always",
  });
  if (context.json) return context.printJson(data);
  if (data.value === REDACTED)
    throw new CliError(
      "VALUE_NOT_SHOWN",
      `The value of ${name} is not shown: ${data.isSecret ? "it is a secret" : "this credential may not see it"}.`,
    );
  context.terminal.out(data.value);
}

interface SetFlags extends CommonOptions {
  secret?: boolean;
}

async function set(context: CommandContext, flags: SetFlags, name: string, given?: string): Promise<void> {
  const value = given === undefined || given === "-" ? await readValue(context, name) : given;
  await send(context, { [name]: value }, { override: true, isSecret: flags.secret });
  report(context, [name], "set");
}

/** From standard input, one line end less; on a terminal asked for, and never echoed. */
async function readValue(context: CommandContext, name: string): Promise<string> {
  if (!context.isInputTerminal) return (await context.stdin()).replace(/\r?\n$/, "");
  if (!context.terminal.isInteractive || context.json)
    throw new CliError("VALUE_MISSING", `There is no value for ${name}.`, {
      remedy: `Pipe it: gantry env set ${name} - < file`,
    });
  const answer = await password({ message: `Value of ${name}` });
  if (isCancel(answer)) throw new CliError("CANCELED", "Nothing was changed.");
  return answer;
}

async function unset(context: CommandContext, _flags: CommonOptions, ...received: unknown[]): Promise<void> {
  const names = received.flat() as string[];
  const path = await pathOf(context);
  for (const name of names)
    await context
      .api()
      .request({ method: "DELETE", path: `${path}/${encodeURIComponent(name)}`, repeatable: "always" });
  report(context, names, "removed");
}

interface ImportFlags extends CommonOptions {
  override: boolean;
  secret?: boolean;
}

async function importFile(context: CommandContext, flags: ImportFlags, file: string): Promise<void> {
  const variables = parseEnv(file === "-" ? await context.stdin() : readText(resolve(context.cwd, file))) as Record<
    string,
    string
  >;
  const names = Object.keys(variables);
  if (names.length === 0) throw new CliError("NOTHING_TO_IMPORT", `${file} has no variables.`);
  await send(context, variables, { override: flags.override, isSecret: flags.secret });
  report(context, names, "set");
}

interface PullFlags extends CommonOptions {
  force?: boolean;
}

async function pull(context: CommandContext, flags: PullFlags, file?: string): Promise<void> {
  const variables = await fetchAll(context);
  const shown = variables.filter(({ value }) => value !== REDACTED);
  const left = variables.length - shown.length;
  if (context.json) context.printJson(Object.fromEntries(shown.map(({ name, value }) => [name, value])));
  else if (file === undefined) context.terminal.out(shown.map(toLine).join("\n"));
  else {
    const flag = flags.force ? "w" : "wx";
    const text = shown.map((variable) => `${toLine(variable)}\n`).join("");
    await writeFile(resolve(context.cwd, file), text, { mode: 0o600, flag }).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EEXIST") throw cause;
      throw new CliError("FILE_EXISTS", `${file} is there already.`, { remedy: "Use --force to replace it." });
    });
    context.terminal.err(`${shown.length} variables written to ${file}.`);
  }
  if (left > 0) context.terminal.err(`${left} left out: their values are never shown.`);
}

/** Read by parseEnv as it was: quoted by what the value does not contain. */
function toLine({ name, value }: Variable): string {
  if (/^[\w./:@%+,-]*$/.test(value)) return `${name}=${value}`;
  const quote = ["'", '"', "`"].find((mark) => !value.includes(mark) && !(mark === '"' && /\\[nr]/.test(value)));
  return quote === undefined ? `# ${name} cannot be written in a .env file` : `${name}=${quote}${value}${quote}`;
}

async function fetchAll(context: CommandContext): Promise<Variable[]> {
  return (await context.api().request<Variable[]>({ method: "GET", path: await pathOf(context), repeatable: "always" }))
    .data;
}

async function send(context: CommandContext, variables: Record<string, string>, how: object): Promise<void> {
  const path = `${await pathOf(context)}/import`;
  await context.api().request({ method: "POST", path, json: { variables, ...how }, repeatable: "always" });
}

/** The environment in a path: as a person named it, or as the key says by whoami. */
async function pathOf(context: CommandContext): Promise<string> {
  const { token, headers } = context.connection();
  const named = { project: headers["x-gantry-project"], environment: headers["x-gantry-environment"] };
  if (isAccessToken(token) && named.project === undefined)
    throw new CliError(
      "PROJECT_MISSING",
      "An access token is for every project, and nothing says which one is meant.",
      {
        remedy: "Name it: `project` in gantry.config.ts, or --project <ref>.",
      },
    );
  const own = isAccessToken(token) ? undefined : await context.api().whoami();
  const project = named.project ?? own?.project?.ref ?? "";
  const environment = named.environment ?? own?.environment?.slug ?? "";
  return `/api/v1/projects/${encodeURIComponent(project)}/envvars/${encodeURIComponent(environment)}`;
}

function report(context: CommandContext, names: string[], what: "set" | "removed"): void {
  if (context.json) context.printJson({ [what]: names });
  else context.terminal.out(`${names.join(", ")} ${what}. Runs that start from now on see it.`);
}

function oneLine(value: string): string {
  const line = value.replaceAll(/\r?\n/g, "⏎");
  return line.length > 60 ? `${line.slice(0, 57)}…` : line;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new CliError("FILE_NOT_FOUND", `${file} cannot be read.`, { cause });
  }
}
