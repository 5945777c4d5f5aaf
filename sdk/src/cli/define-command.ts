import { type Command, InvalidArgumentError } from "commander";
import type { ExitCode } from "./cli-error.ts";
import { type CommandContext, type CommonOptions, commandContext, type Surroundings } from "./command-context.ts";

type Action<Flags> = (context: CommandContext, flags: Flags, ...args: string[]) => Promise<ExitCode | void>;

/** What the program's commands share while it is built: where they run, and what the last one returned. */
export interface ProgramState {
  surroundings: Surroundings;
  exitCode: ExitCode;
  /** The context of the command that was started, for the report of its error. */
  context: CommandContext | undefined;
}

const STATES = new WeakMap<Command, ProgramState>();

export function attachState(program: Command, state: ProgramState): void {
  STATES.set(program, state);
}

function stateOf(command: Command): ProgramState {
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const state = STATES.get(at);
    if (state !== undefined) return state;
  }
  throw new Error("The command belongs to no program");
}

/** Adds a command with the options that all commands have; `action` gets the context, its flags and its arguments. */
export function addCommand<Flags extends CommonOptions>(
  parent: Command,
  nameAndArguments: string,
  description: string,
  action: Action<Flags>,
): Command {
  const command = parent.command(nameAndArguments).description(description);
  command
    .option("--json", "print JSON for scripts")
    .option("--api-url <url>", "the platform's address (default: GANTRY_API_URL, then http://localhost:4400)");
  return command.action(async (...received: unknown[]) => {
    const flags = command.opts<Flags>();
    const state = stateOf(command);
    const context = commandContext(state.surroundings, flags);
    state.context = context;
    const args = received.slice(0, command.registeredArguments.length) as string[];
    state.exitCode = (await action(context, flags, ...args)) ?? 0;
  });
}

/** A command that asks the API about one environment: it is connected before it starts, and a person may name which. */
export function addApiCommand<Flags extends CommonOptions>(
  parent: Command,
  nameAndArguments: string,
  description: string,
  action: Action<Flags>,
): Command {
  return addCommand<Flags>(parent, nameAndArguments, description, async (context, flags, ...args) => {
    await context.connect();
    return action(context, flags, ...args);
  })
    .option("--env <slug>", "the environment, for an access token (default: prod)")
    .option("--project <ref>", "the project, for an access token (default: gantry.config's)");
}

export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value)) throw new InvalidArgumentError("It is not a number.");
  return value;
}

export function collect(text: string, before: string[] | undefined): string[] {
  return [...(before ?? []), text];
}
