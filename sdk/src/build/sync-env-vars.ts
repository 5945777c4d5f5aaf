import type { BuildExtension } from "./extension.ts";

export interface SyncEnvVarsParams {
  projectRef: string;
  /** The environment's slug. */
  environment: string;
  branch?: string;
  /** The variables that the environment has now, where the deploy's token may read them. */
  env: Record<string, string>;
}

export type SyncEnvVarsBody =
  | Record<string, string>
  | { name: string; value: string; isSecret?: boolean; isParentEnv?: boolean }[];

/** Gives the variables of an environment, from a secrets store for example. */
export type SyncEnvVarsFunction = (
  params: SyncEnvVarsParams,
) => SyncEnvVarsBody | void | undefined | Promise<SyncEnvVarsBody | void | undefined>;

/**
 * Uploads variables to the environment at each deploy, before the new version is current. A function that throws ends
 * the deploy. `override: false` keeps the values that are there already; default true.
 */
export function syncEnvVars(read: SyncEnvVarsFunction, { override = true } = {}): BuildExtension {
  return {
    name: "syncEnvVars",
    async onBuildComplete({ target, config, logger, addLayer }, { environment, branch, deploy }) {
      if (target !== "deploy") return;
      const progress = logger.spinner("Reading variables");
      const params = { projectRef: config.project, environment, env: deploy.env ?? {} };
      const body = await read(branch === undefined ? params : { ...params, branch });
      const { env, secretEnv } = sorted(body ?? {});
      const count = Object.keys(env).length + Object.keys(secretEnv).length;
      progress.stop(`${count} variable${count === 1 ? "" : "s"} to upload`);
      if (count > 0) addLayer({ id: "sync-env-vars", deploy: { env, secretEnv, override } });
    },
  };
}

function sorted(body: SyncEnvVarsBody): { env: Record<string, string>; secretEnv: Record<string, string> } {
  const entries = Array.isArray(body) ? body : Object.entries(body).map(([name, value]) => ({ name, value }));
  const env: Record<string, string> = {};
  const secretEnv: Record<string, string> = {};
  for (const entry of entries) {
    const into = "isSecret" in entry && entry.isSecret ? secretEnv : env;
    into[entry.name] = entry.value;
  }
  return { env, secretEnv };
}
