import type { Command } from "commander";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand } from "../define-command.ts";
import { duration, table } from "../terminal.ts";

export function accountCommands(program: Command): void {
  addApiCommand(program, "whoami", "Show which platform, project and environment the key is for", whoami);
  addApiCommand(program, "limits", "Show every limit of the environment", limits);
}

interface Whoami {
  project?: { name?: string; ref?: string };
  environment?: { slug?: string; type?: string };
  credential?: { kind?: string; scopes?: string[] };
  platformVersion?: string;
}

async function whoami(context: CommandContext, _flags: CommonOptions): Promise<void> {
  const { baseUrl, source } = context.connection();
  const reply = (await context.api().whoami()) as Whoami;
  if (context.json) {
    context.printJson({ apiUrl: baseUrl, ...reply });
    return;
  }
  const lines: [string, string | undefined][] = [
    ["platform", `${baseUrl}${reply.platformVersion ? ` (version ${reply.platformVersion})` : ""}`],
    ["project", reply.project?.ref ?? reply.project?.name],
    ["environment", reply.environment?.slug],
    ["credential", `${reply.credential?.kind ?? "key"} from ${source}`],
    ["scopes", reply.credential?.scopes?.join(", ")],
  ];
  for (const [name, value] of lines) {
    if (value) context.terminal.out(`${context.terminal.colors.dim(name.padEnd(11))}  ${value}`);
  }
}

async function limits(context: CommandContext, _flags: CommonOptions): Promise<void> {
  const reply = (await context.api().limits()) as Record<string, unknown>;
  const found = (reply.limits ?? reply) as Record<string, unknown>;
  if (context.json) {
    context.printJson(found);
    return;
  }
  const rows = Object.entries(found).map(([name, value]) => [name, limitText(name, value)]);
  context.terminal.out(table(["LIMIT", "VALUE"], rows, context.terminal.colors));
}

/** The unit is in the limit's name. */
export function limitText(name: string, value: unknown): string {
  if (typeof value !== "number") return String(value);
  if (name.endsWith("Ms")) return duration(value);
  if (!name.includes("Bytes")) return value.toLocaleString("en-US");
  const MB = 1024 * 1024;
  return value >= MB ? `${round(value / MB)} MB` : `${round(value / 1024)} KB`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
