import { createLogUpdate } from "log-update";
import type { RunError } from "../../client/replies.ts";
import type { CliError } from "../cli-error.ts";
import type { CommandContext } from "../command-context.ts";
import { errorText } from "../run-report.ts";
import { duration, statusText } from "../terminal.ts";
import type { FeedChange, FeedRun } from "./run-feed.ts";

/** What `gantry dev` tells: lines for people (with a live block of open runs on a terminal), or JSON lines. */
export interface DevReporter {
  step(text: string): void;
  ready(session: { apiUrl: string; secretKey: string; database: string }): void;
  deployed(version: { version: string; tasks: string[]; durationMs: number; isFirst: boolean }): void;
  broken(error: CliError, keepsVersion: string | undefined): void;
  warning(text: string): void;
  run(change: FeedChange, error: RunError | undefined): void;
  /** The runs that have not ended, for the live block. */
  open(runs: FeedRun[]): void;
  stopping(): void;
  stopped(): void;
}

const SHOWN_OPEN_RUNS = 8;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

export function devReporter(context: CommandContext): DevReporter {
  return context.json ? jsonReporter(context) : textReporter(context);
}

function jsonReporter({ printJson }: CommandContext): DevReporter {
  const tell = (event: string, fields: object) => printJson({ event, at: new Date().toISOString(), ...fields });
  return {
    step: (text) => tell("step", { text }),
    ready: (session) => tell("ready", session),
    deployed: (version) => tell("deployed", version),
    broken: ({ code, message, remedy }, keepsVersion) => tell("broken", { code, message, remedy, keepsVersion }),
    warning: (text) => tell("warning", { text }),
    run: ({ run, kind }, error) => tell("run", { change: kind, ...run, error }),
    open: () => undefined,
    stopping: () => tell("stopping", {}),
    stopped: () => tell("stopped", {}),
  };
}

function textReporter(context: CommandContext): DevReporter {
  const { terminal, cwd } = context;
  const { bold, cyan, dim, green, red, yellow } = terminal.colors;
  const live = terminal.isInteractive ? createLogUpdate(process.stdout) : undefined;
  let openRuns: FeedRun[] = [];
  const say = (text: string) => {
    live?.clear();
    terminal.out(text);
    draw();
  };
  const draw = () => live?.(openBlock(openRuns, context));
  const stamp = () => dim(new Date(terminal.now()).toTimeString().slice(0, 8));
  return {
    step: (text) => say(dim(text)),
    ready: ({ apiUrl, secretKey, database }) =>
      say(
        [
          "",
          `${green("●")} ${bold("Gantry is running")} ${dim(`(database: ${database})`)}`,
          "",
          `  Watch and steer your runs in the browser: ${bold(cyan(apiUrl))}`,
          "",
          "  Put these lines into the .env of the app that triggers tasks:",
          `  ${bold(`GANTRY_API_URL=${apiUrl}`)}`,
          `  ${bold(`GANTRY_SECRET_KEY=${secretKey}`)}`,
          "",
        ].join("\n"),
      ),
    deployed: ({ version, tasks, durationMs, isFirst }) => {
      const names =
        tasks.length > 6 ? `${tasks.slice(0, 6).join(", ")} and ${tasks.length - 6} more` : tasks.join(", ");
      say(`${stamp()} ${green("version")} ${bold(version)} ${dim(`in ${duration(durationMs)}:`)} ${names}`);
      if (isFirst) say(dim(`Waiting for runs. Start one: gantry trigger ${tasks[0]}   ·   Ctrl-C stops everything`));
    },
    broken: (error, keepsVersion) =>
      say(
        [
          `${stamp()} ${red(bold("error"))} ${error.message} ${dim(`[${error.code}]`)}`,
          ...(error.remedy === undefined ? [] : [`${dim("→")} ${error.remedy}`]),
          dim(
            keepsVersion === undefined
              ? "Nothing is deployed yet; waiting for a change."
              : `Still on ${keepsVersion}; waiting for a change.`,
          ),
        ].join("\n"),
      ),
    warning: (text) => say(`${yellow("warning")} ${text}`),
    run: (change, error) => {
      const why =
        change.kind === "retried" && error !== undefined
          ? dim(` after ${error.name ?? "Error"}: ${error.message}`)
          : "";
      say(`${stamp()} ${runLine(change, context)}${why}`);
      if (change.kind === "ended" && error !== undefined) say(indent(errorText(error, terminal, cwd)));
    },
    open: (runs) => {
      openRuns = runs;
      draw();
    },
    stopping: () => {
      openRuns = [];
      live?.clear();
      live?.done();
      terminal.out(dim("Stopping…"));
    },
    stopped: () => terminal.out(dim("Stopped. The data stays in .gantry/dev.")),
  };
}

function runLine({ run, kind }: FeedChange, { terminal }: CommandContext): string {
  const { bold, dim } = terminal.colors;
  const attempt = kind === "retried" ? ` attempt ${run.attemptCount}` : "";
  const took =
    run.startedAt && run.finishedAt ? ` in ${duration(run.finishedAt.getTime() - run.startedAt.getTime())}` : "";
  const tries = kind === "ended" && (run.attemptCount ?? 0) > 1 ? dim(` after ${run.attemptCount} attempts`) : "";
  return `${bold(run.taskIdentifier)} ${dim(run.id)} ${statusText(run.status, terminal.colors)}${attempt}${kind === "ended" ? took : ""}${tries}`;
}

function openBlock(runs: FeedRun[], { terminal }: CommandContext): string {
  const { cyan, dim } = terminal.colors;
  const now = terminal.now();
  const frame = FRAMES[Math.floor(now / 120) % FRAMES.length] ?? "";
  const shown = runs.slice(0, SHOWN_OPEN_RUNS).map((run) => {
    const since = run.startedAt ?? run.createdAt;
    return `${cyan(run.status === "EXECUTING" ? frame : "·")} ${run.taskIdentifier} ${dim(run.id)} ${statusText(run.status, terminal.colors)} ${duration(now - since.getTime())}`;
  });
  const hidden = runs.length - shown.length;
  return [...shown, ...(hidden > 0 ? [dim(`  and ${hidden} more`)] : [])].join("\n");
}

function indent(text: string): string {
  return text.replace(/^/gm, "         ");
}
