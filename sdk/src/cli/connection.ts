import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { nearestWith } from "./bundle/project-root.ts";
import { CliError } from "./cli-error.ts";

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

/**
 * Where the API is and which key to use: the shell's environment, then the project's `.env` files, then the `gantry dev`
 * that runs in the project. Errors: KEY_MISSING (exit code 2), with what to do.
 */
export function findConnection(
  cwd: string,
  env: Record<string, string | undefined>,
  apiUrl: string | undefined,
): Connection {
  const projectDir = projectAround(cwd);
  const fromFiles = readEnvFiles(projectDir).values;
  const note = readSessionNote(projectDir);
  const url = apiUrl ?? pick(env, URL_NAMES) ?? pick(fromFiles, URL_NAMES) ?? note?.apiUrl ?? "http://localhost:4400";
  const candidates: [string | undefined, string][] = [
    [pick(env, KEY_NAMES), "the environment"],
    [pick(fromFiles, KEY_NAMES), "the project's .env"],
    [note?.secretKey, "the running `gantry dev`"],
  ];
  const found = candidates.find(([key]) => key !== undefined);
  if (found?.[0] === undefined) {
    throw new CliError("KEY_MISSING", "There is no key to call the Gantry API with.", {
      remedy: "Set GANTRY_SECRET_KEY, or run `gantry dev` in this project: it prints one.",
    });
  }
  return { baseUrl: url.replace(/\/+$/, ""), token: found[0], source: found[1] };
}

const URL_NAMES = ["GANTRY_API_URL", "TRIGGER_API_URL"];
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
