import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { ApiClient } from "../../client/api-client.ts";
import type { BuildOutcome, Bundle } from "../bundle/bundler.ts";
import type { ProjectConfig } from "../bundle/config-file.ts";
import { describeBundle, devManifest } from "../bundle/describe-bundle.ts";
import { CliError } from "../cli-error.ts";
import { readEnvFiles } from "../connection.ts";
import { toCliError } from "../report-error.ts";
import { collectBundles } from "./bundle-garbage.ts";
import type { DevReporter } from "./dev-reporter.ts";

interface Surroundings {
  api: ApiClient;
  reporter: DevReporter;
  env: Record<string, string | undefined>;
}

/**
 * Turns builds into versions of the platform, one after another; of builds that pile up only the last is taken. A build
 * that is broken is told and changes nothing: the last version stays.
 */
export class Versions {
  readonly #surroundings: Surroundings;
  readonly #versionOf = new Map<string, string>();
  #current: string | undefined;
  /** The last build was told to be broken: its mending is told too, even where it brings back the code that runs. */
  #isBroken = false;
  #next: { config: ProjectConfig; outcome: BuildOutcome } | undefined;
  #working: Promise<void> | undefined;

  constructor(surroundings: Surroundings) {
    this.#surroundings = surroundings;
  }

  get current(): string | undefined {
    return this.#current;
  }

  take(config: ProjectConfig, outcome: BuildOutcome): void {
    this.#next = { config, outcome };
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when nothing is being registered. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let job = this.#next; job !== undefined; job = this.#next) {
      this.#next = undefined;
      const { reporter } = this.#surroundings;
      try {
        await this.#register(job.config, job.outcome);
      } catch (error) {
        this.#isBroken = true;
        reporter.broken(toCliError(error, undefined), this.#current);
      }
    }
  }

  async #register(config: ProjectConfig, outcome: BuildOutcome): Promise<void> {
    if (!outcome.ok) throw outcome.error;
    const startedAt = performance.now();
    const { api, reporter, env } = this.#surroundings;
    const envFiles = readEnvFiles(config.projectDir);
    const manifest = devManifest(config, await describeBundle(config, outcome.bundle, { ...envFiles.values, ...env }));
    const deployment = await api.registerDeployment({
      manifest,
      source: {
        kind: "local",
        bundleDir: outcome.bundle.dir,
        projectDir: config.projectDir,
        envFiles: envFiles.files,
      },
      promote: true,
      contentHash: contentHash(outcome.bundle, manifest, envFiles.files),
    });
    this.#versionOf.set(outcome.bundle.hash, deployment.version);
    const wasBroken = this.#isBroken;
    this.#isBroken = false;
    if (this.#current === deployment.version && !wasBroken) return;
    reporter.deployed({
      version: deployment.version,
      tasks: manifest.tasks.map((task) => task.id),
      durationMs: outcome.durationMs + performance.now() - startedAt,
      isFirst: this.#current === undefined,
    });
    this.#current = deployment.version;
    await collectBundles(config.projectDir, api, this.#versionOf).catch((error: unknown) => {
      reporter.warning(`Old bundles were not removed: ${error instanceof CliError ? error.message : String(error)}`);
    });
  }
}

/** What makes a version another one: the code, the manifest (its options), and the values in the `.env` files. */
function contentHash(bundle: Bundle, manifest: object, envFiles: string[]): string {
  const digest = createHash("sha256").update(bundle.hash).update(JSON.stringify(manifest));
  for (const file of envFiles) digest.update(file).update("\0").update(readFileSync(file));
  return digest.digest("hex");
}
