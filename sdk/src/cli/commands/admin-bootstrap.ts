import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { CliError, EXIT } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { projectAround, readEnvFiles } from "../connection.ts";
import { findPlatform } from "../dev/platform-process.ts";

export interface BootstrapFlags extends CommonOptions {
  project: string;
  environment: string;
  newKey?: boolean;
}

/** Asks the platform's own program, since there is no key yet that the API would take. */
export async function bootstrap(context: CommandContext, flags: BootstrapFlags): Promise<void> {
  const projectDir = projectAround(context.cwd);
  const settings = Object.entries(readEnvFiles(projectDir).values).filter(([name]) =>
    name.startsWith("GANTRY_PLATFORM_"),
  );
  const args = [findPlatform(projectDir), "bootstrap", "--project", flags.project, "--environment", flags.environment];
  if (flags.newKey) args.push("--new-key");
  const env = { ...Object.fromEntries(settings), ...context.env } as NodeJS.ProcessEnv;
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: projectDir, env }).catch(
    ({ stderr }: { stderr?: string }) => {
      throw new CliError("BOOTSTRAP_FAILED", stderr?.trim() || "The platform's program failed.", {
        remedy:
          "It works on the database directly: run it where GANTRY_PLATFORM_DATABASE_URL and the encryption key are set.",
        exitCode: EXIT.unreachable,
      });
    },
  );
  const reply = JSON.parse(stdout) as { project: string; environment: string; key?: string; accessToken?: string };
  if (context.json) {
    context.printJson(reply);
    return;
  }
  const { terminal } = context;
  terminal.err(`The environment ${reply.environment} of the project ${reply.project} is there.`);
  if (reply.key === undefined) {
    terminal.err("It has keys already; --new-key makes another and an access token.");
    return;
  }
  terminal.err("Keep these; they are not shown again. The key is for app code, the token for this CLI and for CI.");
  terminal.out(`GANTRY_SECRET_KEY=${reply.key}`);
  terminal.out(`GANTRY_ACCESS_TOKEN=${reply.accessToken ?? ""}`);
}
