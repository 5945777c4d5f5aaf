import type { Command } from "commander";
import type { ListRunsParams } from "../../client/list-query.ts";
import { isFinalRunStatus } from "../../contract/run-status.ts";
import { EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, number } from "../define-command.ts";
import { drainEvents, followRun } from "../follow-run.ts";
import { journalTable } from "../journal-report.ts";
import { eventText, runsTable, runText } from "../run-report.ts";
import { statusText } from "../terminal.ts";
import { addFilterOptions, type BulkFlags, carryOutBulk, type FilterFlags, filterOf, selectionOf } from "./bulk.ts";
import { waitFor } from "./trigger.ts";
import { watchRun } from "./watch-run.ts";

interface ListFlags extends FilterFlags {
  limit?: number;
  after?: string;
}

export function runsCommand(program: Command): void {
  const runs = program.command("runs").description("List, read, follow and steer runs");
  addFilterOptions(addApiCommand<ListFlags>(runs, "list", "List runs, newest first", list))
    .option("-n, --limit <n>", "at most so many (100 is the most)", number)
    .option("--after <run>", "the page of runs older than this one");
  addApiCommand<CommonOptions & { journal?: boolean }>(
    runs,
    "get <run>",
    "Show a run: status, payload, metadata, output, error",
    get,
  ).option("--journal", "show its steps and waits instead");
  addApiCommand<CommonOptions & { follow?: boolean }>(runs, "logs <run>", "Print a run's logs and output", logs).option(
    "-f, --follow",
    "go on until the run has ended",
  );
  addApiCommand(runs, "watch <run>", "Follow a run until it has ended; exit code 1 unless it is COMPLETED", watchRun);
  addFilterOptions(
    addApiCommand<BulkFlags>(runs, "cancel [run...]", "Cancel runs: these, or all that match", cancel),
  ).option("--detach", "do not wait until all that match are canceled");
  addFilterOptions(
    addApiCommand<BulkFlags & { wait?: boolean }>(
      runs,
      "replay [run...]",
      "Run again with the same payload: a run, several, or all that match",
      replay,
    ),
  )
    .option("-w, --wait", "wait for the end of a single run")
    .option("--detach", "do not wait until all that match are replayed");
  addApiCommand(runs, "explain <run>", "Say what holds a run back", explain);
  addApiCommand<CommonOptions & { reason?: string; yes?: boolean }>(
    runs,
    "force-fail <run>",
    "End a stuck run as SYSTEM_FAILURE, whatever its worker does",
    forceFail,
  ).option("--reason <text>", "why; kept with the run", "Ended by an operator.");
}

async function list(context: CommandContext, flags: ListFlags): Promise<void> {
  const params: ListRunsParams = { limit: flags.limit, after: flags.after, ...filterOf(flags) };
  const page = await context.api().listRuns(params);
  if (context.json) {
    context.printJson(page.data);
    return;
  }
  if (page.data.length === 0) context.terminal.err("No runs. Start one with `gantry trigger <task>`.");
  else context.terminal.out(runsTable(page.data, context.terminal));
  const last = page.data.at(-1);
  if (page.hasNextPage() && last) context.terminal.err(context.terminal.colors.dim(`More: --after ${last.id}`));
}

async function get(context: CommandContext, flags: { journal?: boolean }, runId: string): Promise<void> {
  if (flags.journal) return journal(context, runId);
  const run = await context.api().retrieveRun(runId);
  if (context.json) context.printJson(run);
  else context.terminal.out(runText(run, context.terminal, context.cwd));
}

async function journal(context: CommandContext, runId: string): Promise<void> {
  const entries = await context.api().runJournal(runId);
  if (context.json) context.printJson(entries);
  else if (entries.length === 0) context.terminal.err("The run has made no step and waited for nothing.");
  else context.terminal.out(journalTable(entries, context.terminal));
}

async function logs(context: CommandContext, flags: { follow?: boolean }, runId: string): Promise<void> {
  const api = context.api();
  const show = (events: Parameters<typeof eventText>[0][]) => {
    for (const event of events) {
      if (context.json) context.printJson(event);
      else context.terminal.out(eventText(event, context.terminal));
    }
  };
  if (flags.follow) await followRun(context, runId, { onEvents: show });
  else await drainEvents(api, runId, undefined, show);
}

async function cancel(context: CommandContext, flags: BulkFlags, ...received: string[]): Promise<ExitCode> {
  const { runIds, filter } = selectionOf(flags, received.flat(), "canceled");
  if (filter !== undefined) return carryOutBulk(context, { action: "cancel", filter }, flags);
  for (const runId of runIds) {
    const { id } = await context.api().cancelRun(runId);
    if (context.json) context.printJson({ id });
    else context.terminal.out(`${id} is being canceled`);
  }
  return EXIT.ok;
}

async function replay(
  context: CommandContext,
  flags: BulkFlags & { wait?: boolean },
  ...received: string[]
): Promise<ExitCode> {
  const selection = selectionOf(flags, received.flat(), "replayed");
  const [runId, ...others] = selection.runIds ?? [];
  if (runId === undefined || others.length > 0) return carryOutBulk(context, { action: "replay", ...selection }, flags);
  const { id } = await context.api().replayRun(runId);
  if (flags.wait) {
    if (!context.json) context.terminal.err(context.terminal.colors.dim(id));
    return waitFor(context, id);
  }
  if (context.json) context.printJson({ id });
  else context.terminal.out(id);
  return EXIT.ok;
}

async function explain(context: CommandContext, _flags: CommonOptions, runId: string): Promise<void> {
  const explanation = await context.api().explainRun(runId);
  if (context.json) {
    context.printJson(explanation);
    return;
  }
  const { terminal } = context;
  const { colors } = terminal;
  terminal.out(`${explanation.runId} is ${statusText(explanation.status, colors)}`);
  for (const { reason, message, details } of explanation.reasons) {
    terminal.out(`  ${colors.bold(reason)}  ${message}${details ? colors.dim(` ${JSON.stringify(details)}`) : ""}`);
  }
  if (explanation.position !== undefined) terminal.out(`  ${explanation.position} runs are ahead of it in its queue`);
  if (explanation.reasons.length === 0 && !isFinalRunStatus(explanation.status))
    terminal.out("  nothing holds it back");
}

async function forceFail(context: CommandContext, flags: { reason?: string }, runId: string): Promise<void> {
  const { id } = await context.api().forceFailRun(runId, flags.reason ?? "Ended by an operator.");
  if (context.json) context.printJson({ id });
  else context.terminal.out(`${id} is ended`);
}
