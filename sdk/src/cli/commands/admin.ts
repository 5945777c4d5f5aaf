import type { Command } from "commander";
import { isFinalRunStatus } from "../../contract/run-status.ts";
import { EXIT, type ExitCode } from "../cli-error.ts";
import { type CommandContext, type CommonOptions, pause } from "../command-context.ts";
import { addApiCommand, addCommand } from "../define-command.ts";
import { type BootstrapFlags, bootstrap } from "./admin-bootstrap.ts";
import { keysCommand } from "./admin-keys.ts";
import { tokensCommand } from "./admin-tokens.ts";

export function adminCommand(program: Command): void {
  const admin = program.command("admin").description("Operate an environment: keys, pause, drain");
  addCommand<BootstrapFlags>(
    admin,
    "bootstrap",
    "Make a project, an environment, its first key and an access token, straight in the database",
    bootstrap,
  )
    .option("--project <ref>", "the project's ref", "default")
    .option("--environment <slug>", "dev, staging, preview, prod, or a name of your own", "prod")
    .option("--new-key", "make a key and a token although there are some");
  keysCommand(admin);
  tokensCommand(admin);
  addApiCommand(admin, "pause", "Start no run until resume; what executes goes on, triggers are accepted", (context) =>
    setPaused(context, true),
  );
  addApiCommand(admin, "resume", "Start runs again", (context) => setPaused(context, false));
  addApiCommand(admin, "drain", "Pause, then wait until nothing executes any more", drain);
}

async function setPaused(context: CommandContext, paused: boolean): Promise<void> {
  const reply = await context.api().pauseEnvironment(paused);
  if (context.json) context.printJson({ paused, ...reply });
  else
    context.terminal.out(
      paused ? "Paused: runs are accepted and wait. `gantry admin resume` starts them." : "Resumed.",
    );
}

const DRAIN_POLL_MS = 500;

async function drain(context: CommandContext, _flags: CommonOptions): Promise<ExitCode> {
  const api = context.api();
  await api.pauseEnvironment(true);
  let shown = -1;
  while (!context.signal.aborted) {
    const page = await api.listRuns({ status: ["DEQUEUED", "EXECUTING"], limit: 100 });
    const executing = page.data.filter((run) => !isFinalRunStatus(run.status)).length;
    if (executing !== shown) {
      const count = `${executing}${page.hasNextPage() ? " or more" : ""}`;
      if (context.json) context.printJson({ paused: true, executing });
      else context.terminal.out(executing === 0 ? "Drained: nothing executes." : `Paused; ${count} still executing.`);
      shown = executing;
    }
    if (executing === 0) return EXIT.ok;
    await pause(DRAIN_POLL_MS, context.signal);
  }
  return EXIT.failed;
}
