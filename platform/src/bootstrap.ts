import { resolve } from "node:path";
import { encryptionKeyFile } from "./adapters/filesystem/encryption-key-file.ts";
import { bindMasterKey } from "./adapters/postgres/key-fingerprint.ts";
import { migrationsDirectory } from "./adapters/postgres/migration-files.ts";
import { migrate } from "./adapters/postgres/migrator.ts";
import { createPool } from "./adapters/postgres/pool.ts";
import { createPrisma } from "./adapters/postgres/prisma.ts";
import { PrismaProjects } from "./adapters/postgres/prisma-projects.ts";
import { systemClock } from "./clock.ts";
import type { EnvironmentRef } from "./projects/principal.ts";
import type { ProjectService } from "./projects/project-service.ts";
import { MasterKey } from "./secrets/master-key.ts";
import { SecretBox } from "./secrets/secret-box.ts";

export interface BootstrapRequest {
  databaseUrl: string;
  /** Past a transaction pooler, for the migrations. */
  databaseDirectUrl: string | undefined;
  /** 32 bytes in base64; the data folder's own where it is undefined. */
  encryptionKey: string | undefined;
  previousEncryptionKeys?: string[] | undefined;
  dataDir: string;
  project: string;
  /** `dev`, `staging`, `preview`, `prod` or a name of one's own, which is a production environment. */
  environment: string;
  /** Makes a key and a token although there are some. */
  newKey: boolean;
}

export interface BootstrapReply {
  project: string;
  environment: string;
  /** Shown this once; undefined where the environment has keys already. */
  key: string | undefined;
  /** For the CLI of whoever installs (`gantry login`, `gantry deploy`); made and shown together with the key. */
  accessToken: string | undefined;
}

/**
 * `gantry-platform bootstrap`: a project, an environment, its first key and an access token, straight in the database, for a
 * platform that nobody has a key of yet. Safe to run twice.
 */
export async function bootstrap(request: BootstrapRequest): Promise<BootstrapReply> {
  const { databaseUrl, databaseDirectUrl, encryptionKey, dataDir } = request;
  await migrate({ connectionString: databaseDirectUrl ?? databaseUrl, directory: migrationsDirectory() });
  const pool = createPool({ connectionString: databaseUrl, max: 2 });
  try {
    const prisma = createPrisma(pool);
    const master = new MasterKey(
      encryptionKey ?? (await encryptionKeyFile(resolve(dataDir))),
      request.previousEncryptionKeys,
    );
    await bindMasterKey(prisma, master);
    return await makeProject(
      new PrismaProjects({ prisma, secrets: new SecretBox(master), clock: systemClock }),
      request,
    );
  } finally {
    await pool.end();
  }
}

async function makeProject(projects: ProjectService, request: BootstrapRequest): Promise<BootstrapReply> {
  const { project, environment: slug, newKey } = request;
  const made = await projects.ensureProject({
    ref: project,
    name: project,
    environments: [{ slug, type: typeOf(slug) }],
  });
  const environment = made.find((each) => each.slug === slug);
  if (environment === undefined) throw new Error(`The environment ${slug} could not be made.`);
  const needsKey = newKey || (await projects.listKeys(environment)).length === 0;
  if (!needsKey) return { project, environment: slug, key: undefined, accessToken: undefined };
  const { key } = await projects.createKey(environment, "full");
  const { token } = await projects.createAccessToken(`bootstrap of ${project}/${slug}`, []);
  return { project, environment: slug, key, accessToken: token };
}

function typeOf(slug: string): EnvironmentRef["type"] {
  const types: Record<string, EnvironmentRef["type"]> = { dev: "DEVELOPMENT", staging: "STAGING", preview: "PREVIEW" };
  return types[slug] ?? "PRODUCTION";
}
