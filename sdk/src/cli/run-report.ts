import { inspect } from "node:util";
import type { RetrievedRun, RunError, RunEventItem, RunListItem } from "../client/replies.ts";
import { checkpointText, checkpointWhy } from "./checkpoint-report.ts";
import { projectAround } from "./connection.ts";
import { readableStack } from "./stack-trace.ts";
import { age, duration, statusText, type Terminal, table } from "./terminal.ts";

type Run = RetrievedRun<unknown, unknown>;

export function runsTable(runs: RunListItem[], terminal: Terminal): string {
  const rows = runs.map((run) => [
    run.id,
    run.taskIdentifier,
    statusText(run.status, terminal.colors),
    age(run.createdAt, terminal.now()),
    runDuration(run, terminal.now()),
    run.version ?? "-",
    run.tags.join(","),
  ]);
  return table(["RUN", "TASK", "STATUS", "CREATED", "DURATION", "VERSION", "TAGS"], rows, terminal.colors);
}

/** From the start to the end, or to now. */
export function runDuration(run: Pick<RunListItem, "startedAt" | "finishedAt">, now: number): string {
  if (run.startedAt === undefined) return "-";
  return duration((run.finishedAt?.getTime() ?? now) - run.startedAt.getTime());
}

/** Everything about one run, for a person. */
export function runText(run: Run, terminal: Terminal, cwd: string): string {
  const { colors } = terminal;
  const lines: [string, string | undefined][] = [
    ["run", run.id],
    ["task", run.taskIdentifier],
    ["status", statusText(run.status, colors)],
    ["version", run.version],
    ["created", `${run.createdAt.toISOString()} (${age(run.createdAt, terminal.now())})`],
    ["process", run.checkpoint && checkpointText(run.checkpoint, terminal.now())],
    ["because", run.checkpoint && checkpointWhy(run.checkpoint)],
    ["delayed until", run.delayedUntil?.toISOString()],
    ["duration", runDuration(run, terminal.now())],
    ["attempts", String(run.attemptCount)],
    ["tags", run.tags.length > 0 ? run.tags.join(", ") : undefined],
    ["idempotency key", run.idempotencyKey],
    ["parent", run.relatedRuns.parent?.id],
    ["batch", run.batchId],
    ["test", run.isTest ? "yes" : undefined],
  ];
  const width = Math.max(...lines.map(([name]) => name.length));
  const head = lines
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${colors.dim(name.padEnd(width))}  ${value}`);
  return [
    ...head,
    ...section("payload", run.payload, terminal),
    ...section("metadata", isEmpty(run.metadata) ? undefined : run.metadata, terminal),
    ...section("output", run.output, terminal),
    ...(run.error === undefined ? [] : ["", errorText(run.error, terminal, cwd)]),
  ].join("\n");
}

function section(title: string, value: unknown, terminal: Terminal): string[] {
  return value === undefined ? [] : ["", terminal.colors.dim(title), valueText(value, terminal)];
}

export function valueText(value: unknown, terminal: Terminal): string {
  if (typeof value === "string") return value;
  return inspect(value, { colors: terminal.isInteractive, depth: 12, maxArrayLength: 200, breakLength: 100 });
}

/** The error with its causes; the stack points into the project. */
export function errorText(error: RunError, terminal: Terminal, cwd: string): string {
  const { red, dim } = terminal.colors;
  const folder = projectAround(cwd);
  const stack = error.stackTrace === undefined ? undefined : readableStack(error.stackTrace, folder);
  const title = `${error.name ?? "Error"}: ${error.message}`;
  const frames = stack?.split("\n").filter((line) => line.trimStart().startsWith("at ")) ?? [];
  const causes = (error.causes ?? []).map((cause) => dim(`caused by ${cause.name ?? "Error"}: ${cause.message}`));
  return [red(title), ...frames.map((frame) => dim(frame)), ...causes].join("\n");
}

const LEVEL_COLORS = { error: "red", warn: "yellow", info: "cyan", debug: "gray", trace: "gray" } as const;

/** `12:03:01.123 info  message {"data":1}`. */
export function eventText(event: RunEventItem, terminal: Terminal): string {
  const { colors } = terminal;
  const time = event.at.toISOString().slice(11, 23);
  const source = event.kind === "stdout" || event.kind === "stderr" ? event.kind : event.level;
  const color = LEVEL_COLORS[source as keyof typeof LEVEL_COLORS];
  const label = color === undefined ? source.padEnd(6) : colors[color](source.padEnd(6));
  const data = event.data === undefined ? "" : ` ${colors.dim(JSON.stringify(event.data))}`;
  return `${colors.dim(time)} ${label} ${event.message.trimEnd()}${data}`;
}

export function isEmpty(value: object | undefined): boolean {
  return value === undefined || Object.keys(value).length === 0;
}
