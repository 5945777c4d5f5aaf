import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { parseDurationMs } from "@gantry/sdk/contract";
import { composeAccounts, setupSecretOf } from "./accounts-wiring.ts";
import { encryptionKeyFile } from "./adapters/filesystem/encryption-key-file.ts";
import { MemoryBusHub } from "./adapters/memory/memory-bus.ts";
import { bindMasterKey } from "./adapters/postgres/key-fingerprint.ts";
import { migrationsDirectory } from "./adapters/postgres/migration-files.ts";
import { migrate } from "./adapters/postgres/migrator.ts";
import { createPool } from "./adapters/postgres/pool.ts";
import { createPrisma } from "./adapters/postgres/prisma.ts";
import { PrismaProjects } from "./adapters/postgres/prisma-projects.ts";
import { rotateSecrets } from "./adapters/postgres/rotate-secrets.ts";
import { systemClock } from "./clock.ts";
import { type Config, ConfigError } from "./config.ts";
import { operatorUsers } from "./operator-users.ts";
import { isTokenScope, TOKEN_SCOPES } from "./projects/principal.ts";
import type { ProjectService } from "./projects/project-service.ts";
import { MasterKey } from "./secrets/master-key.ts";
import { SecretBox } from "./secrets/secret-box.ts";

type PoolOf = ReturnType<typeof createPool>;
interface Opened {
  pool: PoolOf;
  master: MasterKey;
  projects: ProjectService;
  config: Config;
}
type Command = (opened: Opened, args: string[]) => Promise<unknown>;

/** What `gantry-platform <name>` does straight in the database, for whoever may read the platform's settings. */
const COMMANDS: Record<string, Command> = {
  "access-token": accessToken,
  "rotate-key": ({ pool, master }) => rotateSecrets(pool, master),
  user: users,
};

export function isOperatorCommand(name: string | undefined): name is string {
  return name !== undefined && Object.hasOwn(COMMANDS, name);
}

/** What it says, in JSON. Errors: ConfigError where the command line or the settings are wrong. */
export async function runOperatorCommand(name: string, args: string[], config: Config): Promise<string> {
  const { databaseUrl, databaseDirectUrl, previousEncryptionKeys } = config;
  if (databaseUrl === undefined)
    throw new ConfigError(`${name} works on the platform's database: set GANTRY_PLATFORM_DATABASE_URL to it.`);
  const key = config.encryptionKey ?? (await encryptionKeyFile(resolve(config.dataDir)));
  const master = new MasterKey(key, previousEncryptionKeys);
  await migrate({ connectionString: databaseDirectUrl ?? databaseUrl, directory: migrationsDirectory() });
  const pool = createPool({ connectionString: databaseUrl, max: 2 });
  try {
    const prisma = createPrisma(pool);
    await bindMasterKey(prisma, master);
    const projects = new PrismaProjects({ prisma, secrets: new SecretBox(master), clock: systemClock });
    return JSON.stringify(await (COMMANDS[name] as Command)({ pool, master, projects, config }, args));
  } finally {
    await pool.end();
  }
}

/** The platform hears of it by the database: sessions that end here are remembered there for three seconds at most. */
async function users({ pool, master, projects, config }: Opened, args: string[]): Promise<unknown> {
  const stops: (() => Promise<unknown>)[] = [];
  const accounts = await composeAccounts({ config, pool, master, bus: new MemoryBusHub().join(), projects, stops });
  const publicUrl = config.publicUrl?.replace(/\/$/, "") ?? "";
  try {
    return await operatorUsers({ ...accounts, setupSecret: setupSecretOf(config, master), publicUrl }, args);
  } finally {
    for (const stop of stops) await stop();
  }
}

const ACCESS_TOKEN_USAGE =
  "Use: access-token create --name <who> [--scope deploy|read|trigger|full] [--expires-in 90d] | list | revoke <id>";

async function accessToken({ projects }: Opened, args: string[]): Promise<unknown> {
  const options = {
    name: { type: "string" },
    scope: { type: "string", multiple: true },
    "expires-in": { type: "string" },
  } as const;
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const [what, id] = positionals;
  if (what === "list") return projects.listAccessTokens();
  if (what === "revoke" && id !== undefined) {
    if (!(await projects.revokeAccessToken(id))) throw new ConfigError(`There is no access token ${id}.`);
    return { id, revoked: true };
  }
  if (what !== "create" || values.name === undefined) throw new ConfigError(ACCESS_TOKEN_USAGE);
  const scopes = values.scope ?? ["full"];
  const unknown = scopes.find((scope) => !isTokenScope(scope));
  if (unknown !== undefined) throw new ConfigError(`"${unknown}" is no scope; one of ${TOKEN_SCOPES.join(", ")} is.`);
  const expiresAt = expiry(values["expires-in"]);
  const { token, tokenId } = await projects.createAccessToken(
    values.name,
    scopes.includes("full") ? [] : scopes,
    expiresAt,
  );
  return { id: tokenId, name: values.name, scopes, expiresAt: expiresAt ?? null, token };
}

function expiry(duration: string | undefined): Date | undefined {
  if (duration === undefined) return undefined;
  const ms = parseDurationMs(duration);
  if (ms === undefined) throw new ConfigError(`"${duration}" is no duration; 90d and 12h are.`);
  return new Date(Date.now() + ms);
}
