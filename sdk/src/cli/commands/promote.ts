import type { Command } from "commander";
import { NotFoundError } from "../../client/api-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { deploymentConnection } from "../connection.ts";
import { addCommand } from "../define-command.ts";
import { withEnvironment } from "./deployments.ts";

export function promoteCommand(program: Command): void {
  const command = addCommand(
    program,
    "promote <version>",
    "Put a version into service, a newer or an older one",
    promote,
  );
  withEnvironment(command).addHelpText(
    "after",
    "\nRuns that have started keep their version. To roll back, promote the version that served before:\n" +
      "`gantry deployments list` shows which there are.",
  );
}

async function promote(context: CommandContext, _flags: CommonOptions, ...[version = ""]: string[]): Promise<void> {
  await context.connect(deploymentConnection);
  const api = context.api();
  const before = await api.retrieveCurrentDeployment().catch((error: unknown) => {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  });
  const promoted = await api.promoteDeployment(version);
  const { green, bold, dim } = context.terminal.colors;
  if (context.json) context.printJson({ ...promoted, from: before?.version ?? null });
  else if (before?.version === promoted.version) context.terminal.out(`${promoted.version} is in service already.`);
  else {
    const from = before === undefined ? "" : `${before.version} ${dim("→")} `;
    context.terminal.out(`${green("●")} ${from}${bold(promoted.version)} is in service`);
  }
}
