import { appendFileSync } from "node:fs";
import type { CliError } from "../cli-error.ts";

type Env = Record<string, string | undefined>;

/** Gives the outputs to the steps that follow in GitHub Actions; elsewhere nothing happens. */
export function writeOutputs(env: Env, outputs: Record<string, string>): void {
  if (!env.GITHUB_OUTPUT) return;
  appendFileSync(
    env.GITHUB_OUTPUT,
    Object.entries(outputs)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(""),
  );
}

/** The line that makes GitHub Actions show an error beside the job; undefined elsewhere. */
export function errorAnnotation(env: Env, { code, message, remedy }: CliError): string | undefined {
  if (env.GITHUB_ACTIONS !== "true") return undefined;
  const text = [message, remedy].filter(Boolean).join("\n");
  const escaped = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  return `::error title=gantry deploy (${code})::${escaped}`;
}
