import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";

export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a runner: the platform's own without the platform's settings, then the variables that are kept for
 * the environment, then the project's env files, in order, then what the runner is told. The files win over the platform's environment: a version is made with the files as they
 * are now, and the platform may have been started with older ones.
 */
export async function runnerEnvironment(
  platform: Variables,
  kept: Readonly<Record<string, string>>,
  envFiles: string[],
  runner: Record<string, string>,
): Promise<Record<string, string>> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(platform)) {
    if (value !== undefined && !isPlatforms(name)) environment[name] = value;
  }
  Object.assign(environment, kept);
  for (const file of envFiles) Object.assign(environment, parseEnv(await readIfThere(file)));
  return { ...environment, ...runner };
}

/** DATABASE_URL is the platform's database unless the project's own files say otherwise. */
function isPlatforms(name: string): boolean {
  return name.startsWith("GANTRY_PLATFORM_") || name.startsWith("GANTRY_WORKER_") || name === "DATABASE_URL";
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
