import { createLogUpdate } from "log-update";
import type { ConnectionState } from "../../client/realtime/index.ts";
import { EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { type FollowedRun, followRun } from "../follow-run.ts";
import { errorText, eventText, isEmpty, runDuration, valueText } from "../run-report.ts";
import { statusText } from "../terminal.ts";

/**
 * `gantry runs watch`: logs as they come, the run's state below them on a terminal, else a line for each change. With --json a
 * line for each change, each log and each change of the connection.
 */
export async function watchRun(context: CommandContext, _flags: CommonOptions, runId: string): Promise<ExitCode> {
  const { terminal } = context;
  const live = context.json || !terminal.isInteractive ? undefined : createLogUpdate(process.stdout);
  let last: FollowedRun | undefined;
  let connection: ConnectionState = "live";
  const redraw = () => {
    if (last !== undefined) live?.(`${stateLine(last, context)}${connectionNote(connection, context)}`);
  };
  const ticker = live === undefined ? undefined : setInterval(redraw, 250);
  try {
    const run = await followRun(context, runId, {
      onChange: (changed) => {
        last = changed;
        if (live !== undefined) redraw();
        else if (context.json) context.printJson({ type: "run", ...brief(changed) });
        else terminal.err(stateLine(changed, context));
      },
      onConnection: (state) => {
        connection = state;
        if (context.json) context.printJson({ type: "connection", connection });
        redraw();
      },
      onEvents: (events) => {
        live?.clear();
        for (const event of events) {
          if (context.json) context.printJson({ type: "event", ...event });
          else terminal.out(eventText(event, terminal));
        }
        redraw();
      },
    });
    live?.(stateLine(run, context));
    live?.done();
    if (!context.json) conclude(run, context);
    return run.status === "COMPLETED" ? EXIT.ok : EXIT.failed;
  } finally {
    clearInterval(ticker);
  }
}

function brief({ id, status, attemptCount, metadata, output, error }: FollowedRun) {
  return { id, status, attemptCount, metadata, output, error };
}

function stateLine(run: FollowedRun, { terminal }: CommandContext): string {
  const { colors } = terminal;
  const attempt = run.attemptCount > 1 ? ` attempt ${run.attemptCount}` : "";
  const metadata = isEmpty(run.metadata) ? "" : ` ${colors.dim(JSON.stringify(run.metadata))}`;
  const time = run.startedAt === undefined ? "" : ` ${runDuration(run, terminal.now())}`;
  return `${run.id} ${statusText(run.status, colors)}${attempt}${time}${metadata}`;
}

/** Nothing while changes are pushed. */
function connectionNote(connection: ConnectionState, { terminal }: CommandContext): string {
  if (connection === "polling") return terminal.colors.dim(" (no socket; asked for from time to time)");
  return connection === "connecting" ? terminal.colors.yellow(" (no connection; trying again)") : "";
}

function conclude(run: FollowedRun, { terminal, cwd }: CommandContext): void {
  if (run.output !== undefined) terminal.out(valueText(run.output, terminal));
  if (run.error !== undefined) terminal.err(errorText(run.error, terminal, cwd));
}
