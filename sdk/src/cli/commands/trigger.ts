import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Command } from "commander";
import { encodeValue } from "../../client/packet.ts";
import type { TriggerOptions } from "../../client/run-handle.ts";
import { triggerBody } from "../../client/trigger-body.ts";
import { CliError, EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { addApiCommand, collect, number } from "../define-command.ts";
import { followRun } from "../follow-run.ts";
import { errorText, isEmpty, runDuration, valueText } from "../run-report.ts";
import { statusText } from "../terminal.ts";

interface TriggerFlags extends CommonOptions {
  payload?: string;
  wait?: boolean;
  delay?: string;
  ttl?: string;
  queue?: string;
  concurrencyKey?: string;
  idempotencyKey?: string;
  idempotencyKeyTtl?: string;
  tag?: string[];
  metadata?: string;
  maxAttempts?: number;
  maxDuration?: number;
  machine?: string;
  priority?: number;
  lockVersion?: string;
}

export function triggerCommand(program: Command): void {
  addApiCommand<TriggerFlags>(program, "trigger <task>", "Start a run of a task", runTrigger)
    .option("-p, --payload <json>", "payload: JSON, @file with JSON, or - for standard input")
    .option("-w, --wait", "wait for the end; exit code 1 unless the run is COMPLETED")
    .option("--delay <when>", 'start later: "1h", "1h52m18s", or an ISO date')
    .option("--ttl <duration>", "expire the run if it has not started by then")
    .option("--queue <name>", "a queue other than the task's own")
    .option("--concurrency-key <key>", "each key has its own copy of the queue's limit")
    .option("--idempotency-key <key>", "the same key gives the same run")
    .option("--idempotency-key-ttl <duration>", "how long the key holds (default 30d)")
    .option("--tag <tag>", "a tag; may be given up to ten times", collect)
    .option("--metadata <json>", "metadata the run starts with: JSON, @file or -")
    .option("--max-attempts <n>", "attempts in all", number)
    .option("--max-duration <seconds>", "compute time", number)
    .option("--machine <preset>", "machine preset, e.g. small-2x")
    .option("--priority <seconds>", "head start in the queue", number)
    .option("--lock-version <version>", "run exactly this version")
    .addHelpText(
      "after",
      `\nExamples:\n  gantry trigger hello --payload '{"name":"Ada"}' --wait\n  gantry trigger import-rows --payload @rows.json --tag nightly`,
    );
}

async function runTrigger(context: CommandContext, flags: TriggerFlags, task: string): Promise<ExitCode> {
  const payload = await readJson(context, "--payload", flags.payload);
  const metadata = await readJson(context, "--metadata", flags.metadata);
  if (metadata !== undefined && (typeof metadata !== "object" || metadata === null || Array.isArray(metadata))) {
    throw new CliError("BAD_ARGUMENT", "--metadata is not a JSON object.");
  }
  const api = context.api();
  const reply = await api.triggerTask(
    task,
    await triggerBody(encodeValue(payload), triggerOptions(flags, metadata as object)),
  );
  const { colors } = context.terminal;
  if (!flags.wait) {
    if (context.json) context.printJson({ id: reply.id, isCached: reply.isCached });
    else {
      context.terminal.out(
        `${reply.id}${reply.isCached ? colors.dim(" (the idempotency key had this run already)") : ""}`,
      );
      context.terminal.err(colors.dim(`Watch it: gantry runs watch ${reply.id}`));
    }
    return EXIT.ok;
  }
  if (!context.json) context.terminal.err(colors.dim(reply.id));
  return waitFor(context, reply.id);
}

/** Waits for the end of a run; results go to standard output, progress to standard error. */
export async function waitFor(context: CommandContext, runId: string): Promise<ExitCode> {
  const { terminal } = context;
  const run = await followRun(context, runId, {
    onChange: (changed) => {
      if (context.json) return;
      const progress = isEmpty(changed.metadata) ? "" : ` ${JSON.stringify(changed.metadata)}`;
      const attempt = changed.attemptCount > 1 ? ` attempt ${changed.attemptCount}` : "";
      terminal.err(`${statusText(changed.status, terminal.colors)}${attempt}${terminal.colors.dim(progress)}`);
    },
  });
  if (context.json) {
    const { id, status, output, error, attemptCount } = run;
    context.printJson({ id, status, output, error, attemptCount });
  } else {
    if (run.output !== undefined) terminal.out(valueText(run.output, terminal));
    if (run.error !== undefined) terminal.err(errorText(run.error, terminal, context.cwd));
    if (run.isCompleted) terminal.err(terminal.colors.dim(`${run.id} took ${runDuration(run, terminal.now())}`));
  }
  return run.status === "COMPLETED" ? EXIT.ok : EXIT.failed;
}

function triggerOptions(flags: TriggerFlags, metadata: object | undefined): TriggerOptions {
  return {
    delay: flags.delay,
    ttl: flags.ttl,
    queue: flags.queue,
    concurrencyKey: flags.concurrencyKey,
    idempotencyKey: flags.idempotencyKey,
    idempotencyKeyTTL: flags.idempotencyKeyTtl,
    tags: flags.tag,
    metadata: metadata as TriggerOptions["metadata"],
    maxAttempts: flags.maxAttempts,
    maxDuration: flags.maxDuration,
    machine: flags.machine,
    priority: flags.priority,
    version: flags.lockVersion,
  };
}

/** JSON from the argument itself, `@file` or `-`. Errors: PAYLOAD_FILE_UNREADABLE, PAYLOAD_NOT_JSON. */
export async function readJson(context: CommandContext, flag: string, source: string | undefined): Promise<unknown> {
  if (source === undefined) return undefined;
  const text =
    source === "-" ? await context.stdin() : source.startsWith("@") ? readText(context, source.slice(1)) : source;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new CliError("PAYLOAD_NOT_JSON", `${flag} is not JSON: ${(cause as Error).message}`, {
      remedy: `Quote it for your shell, e.g. ${flag} '{"name":"Ada"}', or use ${flag} @file.json.`,
    });
  }
}

function readText(context: CommandContext, file: string): string {
  try {
    return readFileSync(resolve(context.cwd, file), "utf8");
  } catch (cause) {
    throw new CliError("PAYLOAD_FILE_UNREADABLE", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
