import { ApiConnectionError } from "../../client/api-error.ts";
import type { BuildEvent } from "../../contract/api/index.ts";
import { CliError, EXIT } from "../cli-error.ts";
import type { DeployReporter } from "./deploy-reporter.ts";

export type BuildDone = Extract<BuildEvent, { type: "done" }>;
const LOG_LINES_SHOWN = 30;

/**
 * Shows a build's events until it is done.
 * Errors: the build's own, with the end of its log; BUILD_CUT_OFF where the reply ends before the build.
 */
export async function followBuild(events: AsyncIterable<BuildEvent>, reporter: DeployReporter): Promise<BuildDone> {
  const log: string[] = [];
  try {
    for await (const event of events) {
      if (event.type === "done") return event;
      if (event.type === "error") throw buildError(event.error, log);
      if (event.type === "step") showStep(event, reporter);
      else {
        log.push(event.line);
        reporter.note(event.line);
      }
    }
  } catch (error) {
    if (error instanceof ApiConnectionError && error.code === "REPLY_CUT_OFF") throw cutOff(error);
    throw error;
  }
  throw cutOff(undefined);
}

function showStep({ step, message }: Extract<BuildEvent, { type: "step" }>, reporter: DeployReporter): void {
  if (step === "wait") reporter.note(message);
  reporter.working(message);
}

const UNREACHABLE = new Set(["REGISTRY_UNAVAILABLE", "STORE_UNAVAILABLE"]);

function buildError(error: Extract<BuildEvent, { type: "error" }>["error"], log: string[]): CliError {
  const tail = error.code === "BUILD_FAILED" ? log.slice(-LOG_LINES_SHOWN).map((line) => `\n  ${line}`) : [];
  return new CliError(error.code, error.message + tail.join(""), {
    ...(error.remedy !== undefined && { remedy: error.remedy }),
    exitCode: UNREACHABLE.has(error.code) ? EXIT.unreachable : EXIT.failed,
  });
}

function cutOff(cause: unknown): CliError {
  return new CliError("BUILD_CUT_OFF", "The platform's reply ended before the build did.", {
    remedy: "See with `gantry deployments list` whether the version is there; to deploy again is safe.",
    exitCode: EXIT.unreachable,
    cause,
  });
}
