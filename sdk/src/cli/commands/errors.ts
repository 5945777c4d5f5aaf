import type { Command } from "commander";
import type { ErrorGroupItem } from "../../client/insight-replies.ts";
import { insightsApi } from "../../client/insights.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, collect, number } from "../define-command.ts";
import { age, table } from "../terminal.ts";

interface ErrorFlags extends CommonOptions {
  task?: string[];
  search?: string;
  since?: string;
  limit?: number;
}

const SHOWN_CHARACTERS = 80;

export function errorsCommand(program: Command): void {
  addApiCommand<ErrorFlags>(program, "errors", "List failed runs grouped by their error, the latest first", list)
    .option("-t, --task <id>", "errors of this task; may be repeated", collect)
    .option("--search <text>", "part of the error's name, code or message")
    .option("--since <period>", 'seen since: "1h", "7d" (default: 24h)')
    .option("-n, --limit <n>", "at most so many (100 is the most)", number)
    .addHelpText("after", "\nReplay them once they are fixed: gantry runs replay --error <fingerprint>");
}

async function list(context: CommandContext, flags: ErrorFlags): Promise<void> {
  const { task, search, since, limit } = flags;
  const page = await insightsApi(context.api()).listErrors({ taskIdentifier: task, search, period: since, limit });
  const { terminal } = context;
  if (context.json) {
    context.printJson(page.data);
    return;
  }
  if (page.data.length === 0) {
    terminal.err(`No run has failed in the last ${since ?? "24h"}.`);
    return;
  }
  const heads = ["ERROR", "RUNS", "LAST", "TASK", "LATEST RUN", "MESSAGE"];
  terminal.out(
    table(
      heads,
      page.data.map((group) => rowOf(group, terminal.now())),
      terminal.colors,
    ),
  );
}

function rowOf(group: ErrorGroupItem, now: number): string[] {
  const { fingerprint, count, lastSeenAt, taskIdentifier, sampleRunId, name } = group;
  const message = `${name}: ${group.message}`.replaceAll(/\s+/g, " ").slice(0, SHOWN_CHARACTERS);
  return [fingerprint, String(count), age(lastSeenAt, now), taskIdentifier, sampleRunId, message];
}
