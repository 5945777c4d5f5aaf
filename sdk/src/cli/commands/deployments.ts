import type { Command } from "commander";
import type { DeploymentItem } from "../../client/replies.ts";
import { DEPLOY_PATHS } from "../../contract/api/deploy-paths.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { deploymentConnection } from "../connection.ts";
import { addCommand, number } from "../define-command.ts";
import { age, table } from "../terminal.ts";

interface ListFlags extends CommonOptions {
  limit: number;
}

export function deploymentsCommand(program: Command): void {
  const deployments = program.command("deployments").description("List versions; remove images that nobody needs");
  const list = addCommand<ListFlags>(deployments, "list", "List versions, newest first", listVersions);
  list.option("--limit <n>", "how many", number, 20);
  const prune = addCommand(deployments, "prune", "Remove the images of old versions that no run needs", pruneImages);
  for (const command of [list, prune]) withEnvironment(command);
}

/** Deployments are of what `gantry deploy` deploys to: found by the same rules. */
export function withEnvironment(command: Command): Command {
  return command
    .option("--env <slug>", "the environment (default: the key's, for an access token prod)")
    .option("--project <ref>", "the project (default: gantry.config's)");
}

async function listVersions(context: CommandContext, { limit }: ListFlags): Promise<void> {
  await context.connect(deploymentConnection);
  const api = context.api();
  const items: DeploymentItem[] = [];
  for await (const item of api.listDeployments({ limit: Math.min(limit, 100) })) {
    items.push(item);
    if (items.length >= limit) break;
  }
  const detailed = await Promise.all(
    items.map(async (item) => ({ ...item, tasks: (await api.retrieveDeployment(item.id)).worker.tasks })),
  );
  if (context.json) context.printJson(detailed);
  else if (items.length === 0) context.terminal.err("No versions: nothing is deployed yet.");
  else {
    const { colors, now } = context.terminal;
    const rows = detailed.map(({ version, isCurrent, status, tasks, createdAt }) => [
      version,
      isCurrent ? colors.green("current") : status === "DEPLOYED" ? "" : status.toLowerCase(),
      taskNames(tasks.map(({ slug }) => slug)),
      age(createdAt, now()),
    ]);
    context.terminal.out(table(["VERSION", "", "TASKS", "MADE"], rows, colors));
  }
}

function taskNames(names: string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

async function pruneImages(context: CommandContext): Promise<void> {
  await context.connect(deploymentConnection);
  const request = { method: "POST", path: DEPLOY_PATHS.prune, repeatable: "always" } as const;
  const { data } = await context.api().request<{ versions: string[] }>(request);
  if (context.json) context.printJson(data);
  else if (data.versions.length === 0) context.terminal.out("Nothing to remove: every image is needed.");
  else context.terminal.out(`Removed the images of ${data.versions.join(", ")}.`);
}
