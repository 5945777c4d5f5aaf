import type { Command } from "commander";
import { CliError, EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { deploymentConnection, projectAround } from "../connection.ts";
import { addCommand } from "../define-command.ts";
import type { DeployOutcome } from "../deploy/deploy-flow.ts";
import { errorAnnotation, writeOutputs } from "../deploy/github-actions.ts";
import { toCliError } from "../report-error.ts";
import { duration } from "../terminal.ts";

interface DeployFlags extends CommonOptions {
  config?: string;
  skipPromotion?: boolean;
  dryRun?: boolean;
  builder?: string;
  localBuild?: boolean;
  cache: boolean;
}

export function deployCommand(program: Command): void {
  addCommand<DeployFlags>(program, "deploy", "Make a version of this project's tasks and put it into service", run)
    .option("--env <slug>", "the environment (default: the key's, for an access token prod)")
    .option("--project <ref>", "the project (default: gantry.config's)")
    .option("-c, --config <file>", "the configuration (default: gantry.config.ts, then trigger.config.ts)")
    .option("--skip-promotion", "make the version, but leave the current one in service")
    .option("--dry-run", "do everything on this machine, say what would follow, and send nothing")
    .option("--builder <name>", "the platform's builder: oci-registry or docker (default: its first)")
    .option("--local-build", "make the image with this machine's Docker instead of on the platform")
    .option("--no-cache", "install and pack everything anew")
    .addHelpText(
      "after",
      `
Needs no Docker here, but for --local-build. The token: GANTRY_ACCESS_TOKEN or GANTRY_SECRET_KEY, then .env, then
\`gantry login\`; one that may only deploy is enough. In GitHub Actions the outputs version and deployment_id are set.
Another deploy of the environment is waited for. When one fails, the current version stays in service.`,
    );
}

async function run(context: CommandContext, flags: DeployFlags): Promise<ExitCode> {
  try {
    return await deployAndTell(context, flags);
  } catch (error) {
    if (context.signal.aborted) return interrupted(context, error);
    const told = toCliError(error, connectionOf(context));
    const annotation = errorAnnotation(context.env, told);
    if (annotation !== undefined) context.terminal.err(annotation);
    throw told;
  }
}

async function deployAndTell(context: CommandContext, flags: DeployFlags): Promise<ExitCode> {
  const [{ loadConfig }, { deploy }, { deployReporter }] = await Promise.all([
    import("../bundle/config-file.ts"),
    import("../deploy/deploy-flow.ts"),
    import("../deploy/deploy-reporter.ts"),
  ]);
  const config = await loadConfig(projectAround(context.cwd), flags.config);
  const { baseUrl } = await context.connect(deploymentConnection);
  const reporter = deployReporter(context);
  for (const warning of config.warnings) reporter.warning(warning);
  try {
    const outcome = await deploy({
      api: context.api(),
      apiUrl: baseUrl,
      config,
      env: context.env,
      reporter,
      signal: context.signal,
      options: {
        promote: flags.skipPromotion !== true,
        dryRun: flags.dryRun === true,
        useCache: flags.cache,
        builder: flags.builder,
        localBuild: flags.localBuild ? (await import("../deploy/local-build.ts")).localBuild : undefined,
      },
    });
    reporter.stop();
    tell(context, outcome);
    return EXIT.ok;
  } finally {
    reporter.stop();
  }
}

function tell(context: CommandContext, outcome: DeployOutcome): void {
  const { version, id, dryRun } = outcome;
  if (!dryRun && id !== undefined) writeOutputs(context.env, { version, deployment_id: id });
  if (context.json) context.printJson(outcome);
  else for (const line of sentences(outcome, context)) context.terminal.out(line);
}

function sentences(outcome: DeployOutcome, { terminal, env }: CommandContext): string[] {
  const { bold, dim, green, yellow } = terminal.colors;
  const { version, isNew, isCurrent, project, environment, apiUrl, dryRun, tasks, timings } = outcome;
  const place = `${project} ${environment}`;
  if (dryRun) {
    const what = isNew
      ? `would make version ${bold(version)} of ${place}`
      : `would change nothing: ${version} is this code`;
    return [`${yellow("●")} A deploy ${what}. Nothing was sent.`];
  }
  const took = dim(`in ${duration(timings.totalMs)}`);
  if (!isCurrent) {
    return [
      `${green("●")} Version ${bold(version)} of ${place} is ready, not in service ${took}`,
      `  Put it into service: gantry promote ${version}${env.GANTRY_SECRET_KEY ? "" : ` --env ${environment}`}`,
    ];
  }
  const state = isNew ? "is in service" : "is in service already: nothing has changed";
  return [
    `${green("●")} Version ${bold(version)} of ${place} ${state} ${took}`,
    dim(`  Start a run: gantry trigger ${tasks[0]?.id} -p '{}'   ·   ${apiUrl}`),
  ];
}

function interrupted(context: CommandContext, cause: unknown): ExitCode {
  const message = "Interrupted: nothing was put into service.";
  const isKnown = cause instanceof CliError && cause.code === "INTERRUPTED";
  const error = isKnown ? cause : new CliError("INTERRUPTED", message, { exitCode: EXIT.failed });
  if (context.json) context.terminal.err(JSON.stringify({ error: error.message, code: error.code }));
  else context.terminal.err(error.message);
  return error.exitCode;
}

function connectionOf(context: CommandContext) {
  try {
    return context.connection();
  } catch {
    return undefined;
  }
}
