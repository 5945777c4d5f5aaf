import { Command, CommanderError } from "commander";
import { sdkVersion } from "./bundle/project-root.ts";
import { EXIT, type ExitCode } from "./cli-error.ts";
import type { Surroundings } from "./command-context.ts";
import { accountCommands } from "./commands/account.ts";
import { adminCommand } from "./commands/admin.ts";
import { deployCommand } from "./commands/deploy.ts";
import { deploymentsCommand } from "./commands/deployments.ts";
import { devCommand } from "./commands/dev.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { envCommand } from "./commands/env.ts";
import { errorsCommand } from "./commands/errors.ts";
import { initCommand } from "./commands/init.ts";
import { loginCommands } from "./commands/login.ts";
import { promoteCommand } from "./commands/promote.ts";
import { queuesCommand } from "./commands/queues.ts";
import { runsCommand } from "./commands/runs.ts";
import { schedulesCommand } from "./commands/schedules.ts";
import { streamsCommand } from "./commands/streams.ts";
import { tokensCommand } from "./commands/tokens.ts";
import { triggerCommand } from "./commands/trigger.ts";
import { attachState, type ProgramState } from "./define-command.ts";
import { reportError, toCliError } from "./report-error.ts";

const AFTER_HELP = `
Start here:
  gantry init                    write a configuration and a first task
  gantry dev                     run the platform and your tasks on this machine
  gantry trigger hello --wait    start a run and wait for its result
  gantry deploy                  put your tasks into service on a cluster

Environment: GANTRY_API_URL, GANTRY_SECRET_KEY or GANTRY_ACCESS_TOKEN (also read from .env and .env.local). Beside a
running \`gantry dev\`, or after \`gantry login\`, none is needed.

Exit codes: 0 done · 1 the run that was waited for, or the deploy, failed · 2 wrong use, or refused · 3 the platform cannot
be reached.`;

/** Runs one command line (without `node` and the script). Returns the exit code; never throws, never ends the process. */
export async function runCli(argv: string[], surroundings: Surroundings): Promise<ExitCode> {
  const state: ProgramState = { surroundings, exitCode: EXIT.ok, context: undefined };
  const program = createProgram(state);
  try {
    await program.parseAsync(argv, { from: "user" });
    return state.exitCode;
  } catch (error) {
    // Commander has said what is wrong; help and --version end here too.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    if (surroundings.signal.aborted) return EXIT.ok;
    const json = state.context?.json ?? argv.includes("--json");
    return reportError(toCliError(error, connectionOf(state)), surroundings.terminal, json);
  }
}

function connectionOf(state: ProgramState) {
  try {
    return state.context?.connection();
  } catch {
    return undefined;
  }
}

export function createProgram(state: ProgramState): Command {
  const { terminal } = state.surroundings;
  const program = new Command("gantry")
    .description("Background tasks as plain async functions: write, run and watch them.")
    .version(sdkVersion(), "-v, --version", "print the version")
    .helpCommand(false)
    .showHelpAfterError("(add --help for what can be given here)")
    .showSuggestionAfterError()
    .addHelpText("after", AFTER_HELP)
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .exitOverride();
  attachState(program, state);
  initCommand(program);
  devCommand(program);
  deployCommand(program);
  promoteCommand(program);
  deploymentsCommand(program);
  triggerCommand(program);
  runsCommand(program);
  errorsCommand(program);
  queuesCommand(program);
  schedulesCommand(program);
  tokensCommand(program);
  streamsCommand(program);
  envCommand(program);
  loginCommands(program);
  accountCommands(program);
  doctorCommand(program);
  adminCommand(program);
  return program;
}
