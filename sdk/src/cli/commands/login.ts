import { isCancel, password, text } from "@clack/prompts";
import type { Command } from "commander";
import { ApiClient } from "../../client/api-client.ts";
import { normalizeBaseUrl } from "../../client/configuration.ts";
import { CliError, EXIT, type ExitCode } from "../cli-error.ts";
import type { CommandContext, CommonOptions } from "../command-context.ts";
import { DEFAULT_URL, isAccessToken } from "../connection.ts";
import { forgetCredentials, readStoredCredentials, storeCredentials } from "../credentials-file.ts";
import { addCommand } from "../define-command.ts";
import { toCliError } from "../report-error.ts";

interface LoginFlags extends CommonOptions {
  token?: string;
}

export function loginCommands(program: Command): void {
  addCommand<LoginFlags>(program, "login", "Keep an access token for a platform, so that commands need no key", login)
    .option("--token <token>", "the access token, or - to read it from standard input (it is asked for on a terminal)")
    .addHelpText(
      "after",
      "\nMake one in the dashboard (Account, Access tokens); the operator can too: gantry-platform access-token create --name <who> [--scope deploy]",
    );
  addCommand(program, "logout", "Forget the access token of a platform", logout);
}

async function login(context: CommandContext, flags: LoginFlags): Promise<ExitCode> {
  const asks = context.terminal.isInteractive && context.isInputTerminal && !context.json;
  const url = await chooseUrl(context, flags, asks);
  const token = url === undefined ? undefined : await chooseToken(context, flags, asks);
  if (url === undefined || token === undefined) return EXIT.failed;
  if (!isAccessToken(token)) {
    throw new CliError("BAD_ARGUMENT", "This is no access token: one begins with gt_pat_.", {
      remedy: "An environment's key (gt_…_sk_…) needs no login: set GANTRY_SECRET_KEY to it.",
    });
  }
  const { platformVersion, credential } = await verify(context, url, token);
  const file = storeCredentials(context.env, url, token);
  if (context.json) context.printJson({ apiUrl: url, platformVersion, scopes: credential.scopes, file });
  else context.terminal.out(`Logged in to ${url} (version ${platformVersion}). The token is kept in ${file}.`);
  return EXIT.ok;
}

async function chooseUrl(context: CommandContext, flags: LoginFlags, asks: boolean): Promise<string | undefined> {
  const { env } = context;
  const known = flags.apiUrl ?? (env.GANTRY_API_URL || env.TRIGGER_API_URL || undefined);
  const guess = readStoredCredentials(env).current ?? DEFAULT_URL;
  if (known !== undefined || !asks) return normalizeBaseUrl(known ?? guess);
  const answer = await text({ message: "The platform's address", initialValue: guess });
  return isCancel(answer) ? undefined : normalizeBaseUrl(answer);
}

async function chooseToken(context: CommandContext, flags: LoginFlags, asks: boolean): Promise<string | undefined> {
  if (flags.token !== undefined && flags.token !== "-") return flags.token.trim();
  if (flags.token === undefined && asks) {
    const answer = await password({ message: "Access token" });
    return isCancel(answer) ? undefined : answer.trim();
  }
  if (flags.token === undefined && context.isInputTerminal) throw tokenMissing();
  const piped = (await context.stdin()).trim();
  if (piped === "") throw tokenMissing();
  return piped;
}

function tokenMissing(): CliError {
  return new CliError("TOKEN_MISSING", "There is no terminal to ask for the access token, and none was given.", {
    remedy: "Pipe it: gantry login --token - < token.txt; or set GANTRY_ACCESS_TOKEN and do not log in at all.",
  });
}

/** Errors: what the platform says of the token, as of any other key; PLATFORM_UNREACHABLE. */
async function verify(context: CommandContext, baseUrl: string, token: string) {
  const requestOptions = {
    retry: { maxAttempts: 2, minTimeoutInMs: 200 },
    signal: context.signal,
    ...(context.fetch && { fetch: context.fetch }),
  };
  try {
    return await new ApiClient({ baseUrl, token, requestOptions }).whoami();
  } catch (error) {
    throw toCliError(error, { baseUrl, token, headers: {}, source: "this login" });
  }
}

async function logout(context: CommandContext, flags: CommonOptions): Promise<void> {
  const { env } = context;
  const url = normalizeBaseUrl(flags.apiUrl ?? readStoredCredentials(env).current ?? DEFAULT_URL);
  const forgotten = forgetCredentials(env, url);
  if (context.json) context.printJson({ apiUrl: url, forgotten });
  else context.terminal.out(forgotten ? `Logged out of ${url}.` : `There was no token for ${url}.`);
}
