import { createLogUpdate } from "log-update";
import type { RetrievedRun } from "../../client/replies.ts";
import { EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { followRun } from "../follow-run.ts";
import { errorText, eventText, isEmpty, runDuration, valueText } from "../run-report.ts";
import { statusText } from "../terminal.ts";

type Run = RetrievedRun<unknown, unknown>;

/** `gantry runs watch`: logs as they come, the run's state below them on a terminal, else a line for each change. */
export async function watchRun(context: CommandContext, _flags: CommonOptions, runId: string): Promise<ExitCode> {
  const { terminal } = context;
  const live = context.json || !terminal.isInteractive ? undefined : createLogUpdate(process.stdout);
  let last: Run | undefined;
  const redraw = () => {
    if (last !== undefined) live?.(stateLine(last, context));
  };
  const ticker = live === undefined ? undefined : setInterval(redraw, 250);
  try {
    const run = await followRun(context.api(), runId, {
      signal: context.signal,
      onChange: (changed) => {
        last = changed;
        if (live !== undefined) redraw();
        else if (context.json) context.printJson({ type: "run", ...brief(changed) });
        else terminal.err(stateLine(changed, context));
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

function brief({ id, status, attemptCount, metadata, output, error }: Run) {
  return { id, status, attemptCount, metadata, output, error };
}

function stateLine(run: Run, { terminal }: CommandContext): string {
  const { colors } = terminal;
  const attempt = run.attemptCount > 1 ? ` attempt ${run.attemptCount}` : "";
  const metadata = isEmpty(run.metadata) ? "" : ` ${colors.dim(JSON.stringify(run.metadata))}`;
  const time = run.startedAt === undefined ? "" : ` ${runDuration(run, terminal.now())}`;
  return `${run.id} ${statusText(run.status, colors)}${attempt}${time}${metadata}`;
}

function conclude(run: Run, { terminal, cwd }: CommandContext): void {
  if (run.output !== undefined) terminal.out(valueText(run.output, terminal));
  if (run.error !== undefined) terminal.err(errorText(run.error, terminal, cwd));
}
