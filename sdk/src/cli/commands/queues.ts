import type { Command } from "commander";
import type { QueueReference } from "../../client/api-client.ts";
import type { QueueItem } from "../../client/replies.ts";
import { CliError } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand } from "../define-command.ts";
import { table } from "../terminal.ts";

export function queuesCommand(program: Command): void {
  const queues = program.command("queues").description("List queues, pause them, change their limits");
  addApiCommand(queues, "list", "List queues with what waits and runs in them", list);
  addApiCommand(
    queues,
    "pause <queue>",
    "Start nothing from a queue until it is resumed; what runs goes on",
    (context, _flags, name) => change(context, name, (ref) => context.api().pauseQueue(ref, "pause")),
  );
  addApiCommand(queues, "resume <queue>", "Start runs from a paused queue again", (context, _flags, name) =>
    change(context, name, (ref) => context.api().pauseQueue(ref, "resume")),
  );
  addApiCommand(
    queues,
    "limit <queue> <limit>",
    'Set a queue\'s concurrency limit; "reset" goes back to the declared one',
    limit,
  ).addHelpText("after", "\nA queue is named as declared; the own queue of a task is task/<task id>.");
}

async function list(context: CommandContext, _flags: CommonOptions): Promise<void> {
  const queues: QueueItem[] = [];
  for await (const queue of context.api().listQueues({ perPage: 100 })) queues.push(queue);
  if (context.json) context.printJson(queues);
  else if (queues.length === 0) context.terminal.err("No queues: nothing is deployed yet.");
  else context.terminal.out(queuesTable(queues, context));
}

function queuesTable(queues: QueueItem[], { terminal }: CommandContext): string {
  const rows = queues.map((queue) => [
    nameOf(queue),
    String(queue.running),
    String(queue.queued),
    limitText(queue),
    queue.paused ? terminal.colors.yellow("paused") : "",
  ]);
  return table(["QUEUE", "RUNNING", "QUEUED", "LIMIT", ""], rows, terminal.colors);
}

function limitText(queue: QueueItem): string {
  if (queue.concurrencyLimit === null) return "environment's";
  const isOverride = queue.concurrency?.override !== null && queue.concurrency?.override !== undefined;
  return `${queue.concurrencyLimit}${isOverride ? ` (declared: ${queue.concurrency?.base ?? "none"})` : ""}`;
}

function nameOf(queue: QueueItem): string {
  return queue.type === "task" && !queue.name.startsWith("task/") ? `task/${queue.name}` : queue.name;
}

async function limit(context: CommandContext, _flags: CommonOptions, ...received: string[]): Promise<void> {
  const [name = "", value = ""] = received;
  if (value === "reset") return change(context, name, (ref) => context.api().resetQueueConcurrencyLimit(ref));
  const wanted = Number(value);
  if (!Number.isInteger(wanted) || wanted < 0) {
    throw new CliError("BAD_ARGUMENT", `"${value}" is no limit.`, { remedy: 'Use a number from 0 up, or "reset".' });
  }
  return change(context, name, (ref) => context.api().overrideQueueConcurrencyLimit(ref, wanted));
}

async function change(
  context: CommandContext,
  name: string,
  apply: (ref: QueueReference) => Promise<QueueItem>,
): Promise<void> {
  const queue = await apply(reference(name));
  if (context.json) context.printJson(queue);
  else context.terminal.out(queuesTable([queue], context));
}

export function reference(name: string): QueueReference {
  if (name.startsWith("queue_")) return name;
  return name.startsWith("task/") ? { type: "task", name: name.slice("task/".length) } : { type: "custom", name };
}
