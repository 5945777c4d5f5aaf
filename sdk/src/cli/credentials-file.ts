import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { CliError } from "./cli-error.ts";

type Environment = Record<string, string | undefined>;

const fileSchema = z.looseObject({
  /** The platform of the last login: where commands go that are told no address. */
  current: z.string().optional(),
  /** By the platform's address. */
  profiles: z.record(z.string(), z.looseObject({ accessToken: z.string() })).default({}),
});
export type StoredCredentials = z.output<typeof fileSchema>;

/** `$XDG_CONFIG_HOME/gantry/credentials.json`; undefined where the environment names no home. */
export function credentialsFile(env: Environment): string | undefined {
  const home = env.HOME || env.USERPROFILE;
  const folder = env.XDG_CONFIG_HOME || (home === undefined || home === "" ? undefined : join(home, ".config"));
  return folder === undefined || folder === "" ? undefined : join(folder, "gantry", "credentials.json");
}

/** What `gantry login` kept; nothing where it never ran. Error: CREDENTIALS_BROKEN. */
export function readStoredCredentials(env: Environment): StoredCredentials {
  const file = credentialsFile(env);
  const text = file === undefined ? undefined : readIfThere(file);
  if (text === undefined) return { profiles: {} };
  try {
    return fileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new CliError("CREDENTIALS_BROKEN", `${file} is not what \`gantry login\` writes.`, {
      remedy: "Delete the file and run `gantry login` again.",
      cause,
    });
  }
}

/** Keeps the token, readable by its owner alone, and makes the platform the current one. Returns the file. */
export function storeCredentials(env: Environment, url: string, accessToken: string): string {
  const { profiles } = readStoredCredentials(env);
  return write(env, { current: url, profiles: { ...profiles, [url]: { accessToken } } });
}

/** Forgets the platform's token; false where there was none. */
export function forgetCredentials(env: Environment, url: string): boolean {
  const stored = readStoredCredentials(env);
  const { [url]: gone, ...profiles } = stored.profiles;
  if (gone === undefined) return false;
  const current = stored.current === url ? Object.keys(profiles)[0] : stored.current;
  write(env, { ...(current === undefined ? {} : { current }), profiles });
  return true;
}

function write(env: Environment, credentials: StoredCredentials): string {
  const file = credentialsFile(env);
  if (file === undefined) {
    throw new CliError("NO_HOME", "There is no folder to keep the token in: neither XDG_CONFIG_HOME nor HOME is set.", {
      remedy: "Set one of them, or pass the token in GANTRY_ACCESS_TOKEN instead of logging in.",
    });
  }
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const partial = `${file}.${process.pid}`;
  rmSync(partial, { force: true });
  writeFileSync(partial, `${JSON.stringify(credentials, undefined, 2)}\n`, { mode: 0o600 });
  chmodSync(partial, 0o600);
  renameSync(partial, file);
  return file;
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
