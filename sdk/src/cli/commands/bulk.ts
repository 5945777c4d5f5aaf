import type { Command } from "commander";
import type { BulkActionFilterParams, BulkActionOptions } from "../../client/bulk-action-body.ts";
import { pause } from "../../client/http.ts";
import type { BulkActionItem } from "../../client/insight-replies.ts";
import { insightsApi } from "../../client/insights.ts";
import { RUN_STATUSES, type RunStatus } from "../../contract/run-status.ts";
import { CliError, EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { collect } from "../define-command.ts";

/** What runs are chosen by, in lists and for bulk actions. */
export interface FilterFlags extends CommonOptions {
  status?: string[];
  task?: string[];
  tag?: string[];
  queue?: string;
  since?: string;
  error?: string;
  search?: string;
}
export interface BulkFlags extends FilterFlags {
  detach?: boolean;
}

export function addFilterOptions(command: Command): Command {
  return command
    .option("-s, --status <status>", `one of ${RUN_STATUSES.join(", ")}; may be repeated`, collect)
    .option("-t, --task <id>", "runs of this task; may be repeated", collect)
    .option("--tag <tag>", "runs with this tag; may be repeated", collect)
    .option("--queue <name>", "runs of this queue")
    .option("--since <period>", 'runs made since: "30m", "7d"')
    .option("--error <fingerprint>", "failed runs with this error (see `gantry errors`)")
    .option("--search <text>", "an id or its beginning, a tag, an idempotency key, or how a task's id begins");
}

/** Undefined where none was given. */
export function filterOf(flags: FilterFlags): BulkActionFilterParams | undefined {
  const { task, tag, queue, since, error, search } = flags;
  const status = flags.status?.map(toStatus);
  const filter = { status, taskIdentifier: task, tag, queue, period: since, error, search };
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  return given.length === 0 ? undefined : Object.fromEntries(given);
}

function toStatus(text: string): RunStatus {
  const status = text.toUpperCase().replaceAll("-", "_");
  if ((RUN_STATUSES as readonly string[]).includes(status)) return status as RunStatus;
  throw new CliError("BAD_ARGUMENT", `"${text}" is no status.`, { remedy: `Use one of ${RUN_STATUSES.join(", ")}.` });
}

/** Errors: BAD_ARGUMENT where neither runs nor a filter are given, or both. */
export function selectionOf(flags: FilterFlags, runIds: string[], what: string) {
  const filter = filterOf(flags);
  if ((filter === undefined) === (runIds.length === 0))
    throw new CliError("BAD_ARGUMENT", `Which runs are to be ${what}?`, {
      remedy: "Give the ids of runs, or options such as --status FAILED --since 1h; not both.",
    });
  return filter === undefined ? { runIds } : { filter };
}

/** Has the platform do it, and follows it to its end; with --detach only its id is printed. */
export async function carryOutBulk(
  context: CommandContext,
  options: BulkActionOptions,
  { detach }: BulkFlags,
): Promise<ExitCode> {
  const api = insightsApi(context.api());
  const { id } = await api.createBulkAction(options);
  if (detach) {
    if (context.json) context.printJson({ id });
    else context.terminal.out(id);
    return EXIT.ok;
  }
  if (!context.json) context.terminal.err(context.terminal.colors.dim(id));
  for (;;) {
    const action = await api.retrieveBulkAction(id);
    if (action.status === "PENDING") {
      await pause(500, context.signal);
      continue;
    }
    if (context.json) context.printJson(action);
    else context.terminal.out(actionText(action));
    return action.counts.failure === 0 && action.status === "COMPLETED" ? EXIT.ok : EXIT.failed;
  }
}

function actionText({ type, status, counts, isCapped, failures }: BulkActionItem): string {
  const done = type === "CANCEL" ? "canceled" : "replayed";
  return [
    `${counts.success} of ${counts.total} runs ${done}${status === "ABORTED" ? ", then aborted" : ""}`,
    ...(isCapped ? ["There are more: the newest 10,000 were taken."] : []),
    ...failures.map(({ runId, code, message }) => `${runId}  ${code}  ${message}`),
  ].join("\n");
}
