import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { nearestWith } from "./bundle/project-root.ts";
import { CliError } from "./cli-error.ts";
import { readStoredCredentials } from "./credentials-file.ts";

/** The files a project's environment comes from; a later one wins, and what the shell has set wins over both. */
export const ENV_FILES = [".env", ".env.local"];

/** What `gantry dev` leaves in the project, so that commands run beside it need no key. */
export interface SessionNote {
  pid: number;
  apiUrl: string;
  secretKey: string;
}

export interface Connection {
  baseUrl: string;
  token: string;
  /** Which project and environment a request means, where the token alone does not say: to be sent with every request. */
  headers: Record<string, string>;
  /** Where the key came from, for `whoami` and errors. */
  source: string;
}

/** Where `gantry dev` keeps its database, key and notes unless it is told otherwise. */
export function devDataDir(projectDir: string): string {
  return join(projectDir, ".gantry", "dev");
}

export function sessionNoteFile(dataDir: string): string {
  return join(dataDir, "session.json");
}

/** The project around `cwd`: the nearest folder with a package.json, else `cwd` itself. */
export function projectAround(cwd: string): string {
  return nearestWith(cwd, "package.json") ?? cwd;
}

/** The project's `.env` files that exist. */
export function envFilesOf(projectDir: string): string[] {
  return ENV_FILES.map((name) => join(projectDir, name)).filter((file) => existsSync(file));
}

/** The variables of `.env` and `.env.local`. Error: ENV_FILE_BROKEN. */
export function readEnvFiles(projectDir: string): { values: Record<string, string>; files: string[] } {
  const files = envFilesOf(projectDir);
  const values: Record<string, string> = {};
  for (const file of files) {
    try {
      Object.assign(values, parseEnv(readFileSync(file, "utf8")));
    } catch (cause) {
      throw new CliError("ENV_FILE_BROKEN", `${file} cannot be read: ${(cause as Error).message}`, { cause });
    }
  }
  return { values, files };
}

/** Whom to ask, as a command was told. */
export interface ConnectionRequest {
  cwd: string;
  env: Record<string, string | undefined>;
  flags: {
    apiUrl?: string | undefined;
    /** `--project`: a project's ref. */
    project?: string | undefined;
    /** `--env`: an environment's slug. */
    env?: string | undefined;
  };
}

/** The environment that a person's token means where no `--env` names one. */
export const DEFAULT_ENVIRONMENT = "prod";

/**
 * Where the API is and which key to use: the shell's environment, then the project's `.env` files, then the `gantry dev`
 * that runs in the project (unless an environment is named), then `gantry login`. Errors: KEY_MISSING (exit code 2), with
 * what to do.
 */
export async function commandConnection(request: ConnectionRequest): Promise<Connection> {
  const { stored, fromFiles, note } = sourcesOf(request);
  const { env, flags } = request;
  const session = flags.env === undefined && flags.project === undefined ? note : undefined;
  const url = urlOf(flags.apiUrl, env, fromFiles, session?.apiUrl, stored.current);
  const found = firstOf([
    [pick(env, KEY_NAMES), "the environment"],
    [pick(fromFiles, KEY_NAMES), "the project's .env"],
    [session?.apiUrl === url ? session.secretKey : undefined, "the running `gantry dev`"],
    [stored.profiles[url]?.accessToken, "`gantry login`"],
    // A session whose address was overruled is better than nothing: the platform says whether it takes its key.
    [session?.secretKey, "the running `gantry dev`"],
  ]);
  if (found === undefined) {
    throw new CliError("KEY_MISSING", `There is no key to call the Gantry API at ${url} with.`, {
      remedy: "Set GANTRY_SECRET_KEY, run `gantry login`, or run `gantry dev` in this project: it prints a key.",
    });
  }
  return { baseUrl: url, ...found, headers: await environmentHeaders(request, found.token) };
}

/**
 * Where to deploy and with what: GANTRY_ACCESS_TOKEN or a key of the shell, an access token of the project's `.env`, what
 * `gantry login` kept for the address, then a key of `.env`; never the running `gantry dev`. A person's token names its
 * project (`--project`, else gantry.config's) and environment (`--env`, else prod) in `headers`; a key belongs to one
 * environment, and the platform refuses it where `--env` or `--project` name another.
 * Errors: KEY_MISSING, PROJECT_MISSING, what loading the configuration gives.
 */
export async function deploymentConnection(request: ConnectionRequest): Promise<Connection> {
  const { stored, fromFiles } = sourcesOf(request);
  const { env, flags } = request;
  const url = urlOf(flags.apiUrl, env, fromFiles, stored.current);
  const found = firstOf([
    [pick(env, TOKEN_NAMES), "the environment"],
    [pick(env, KEY_NAMES), "the environment"],
    [pick(fromFiles, TOKEN_NAMES), "the project's .env"],
    [stored.profiles[url]?.accessToken, "`gantry login`"],
    [pick(fromFiles, KEY_NAMES), "the project's .env"],
  ]);
  if (found === undefined) {
    throw new CliError("KEY_MISSING", `There is no key or access token to deploy to ${url} with.`, {
      remedy:
        "Run `gantry login --api-url <the platform's address>`, or set GANTRY_ACCESS_TOKEN (in CI) or GANTRY_SECRET_KEY.",
    });
  }
  const connection = { baseUrl: url, ...found, headers: await environmentHeaders(request, found.token) };
  if (isAccessToken(found.token) && connection.headers["x-gantry-project"] === undefined) {
    throw new CliError(
      "PROJECT_MISSING",
      "An access token is for every project, and nothing says which one is meant.",
      {
        remedy: "Name it: `project` in gantry.config.ts, or --project <ref>.",
      },
    );
  }
  return connection;
}

/** A person's token: for all projects, so that a request says which. */
export function isAccessToken(token: string): boolean {
  return token.startsWith("gt_pat_");
}

/** Which project and environment a request means: what was named, and for a person's token the rest by default. */
async function environmentHeaders(
  { cwd, env, flags }: ConnectionRequest,
  token: string,
): Promise<Record<string, string>> {
  const isPersons = isAccessToken(token);
  const project = flags.project ?? (isPersons ? env.GANTRY_PROJECT || (await configuredProject(cwd)) : undefined);
  const environment = flags.env ?? (isPersons && project !== undefined ? DEFAULT_ENVIRONMENT : undefined);
  return {
    ...(project === undefined ? {} : { "x-gantry-project": project }),
    ...(environment === undefined ? {} : { "x-gantry-environment": environment }),
  };
}

/** The project that the folder's configuration names; undefined where it has none. */
async function configuredProject(cwd: string): Promise<string | undefined> {
  const projectDir = projectAround(cwd);
  const { findConfig, loadConfig } = await import("./bundle/config-file.ts");
  return findConfig(projectDir) === undefined ? undefined : (await loadConfig(projectDir)).project;
}

function sourcesOf({ cwd, env }: ConnectionRequest) {
  const projectDir = projectAround(cwd);
  return {
    stored: readStoredCredentials(env),
    fromFiles: readEnvFiles(projectDir).values,
    note: readSessionNote(projectDir),
  };
}

function urlOf(
  flag: string | undefined,
  env: Record<string, string | undefined>,
  fromFiles: Record<string, string>,
  ...others: (string | undefined)[]
): string {
  const named = flag ?? pick(env, URL_NAMES) ?? pick(fromFiles, URL_NAMES);
  return (named ?? others.find((url) => url !== undefined) ?? DEFAULT_URL).replace(/\/+$/, "");
}

function firstOf(candidates: [string | undefined, string][]): { token: string; source: string } | undefined {
  for (const [token, source] of candidates) if (token !== undefined) return { token, source };
  return undefined;
}

export const DEFAULT_URL = "http://localhost:4400";
const URL_NAMES = ["GANTRY_API_URL", "TRIGGER_API_URL"];
const TOKEN_NAMES = ["GANTRY_ACCESS_TOKEN", "TRIGGER_ACCESS_TOKEN"];
const KEY_NAMES = ["GANTRY_SECRET_KEY", "GANTRY_ACCESS_TOKEN", "TRIGGER_SECRET_KEY", "TRIGGER_ACCESS_TOKEN"];

function pick(from: Record<string, string | undefined>, names: string[]): string | undefined {
  return names.map((name) => from[name]).find((value) => value !== undefined && value !== "");
}

export function readSessionNote(projectDir: string): SessionNote | undefined {
  try {
    return JSON.parse(readFileSync(sessionNoteFile(devDataDir(projectDir)), "utf8")) as SessionNote;
  } catch {
    return undefined;
  }
}
