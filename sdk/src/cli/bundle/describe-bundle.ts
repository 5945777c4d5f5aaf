import { fork } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Manifest } from "../../contract/manifest.ts";
import { CliError } from "../cli-error.ts";
import type { Description } from "../describe-process.ts";
import { readableStack } from "../stack-trace.ts";
import type { Bundle } from "./bundler.ts";
import type { ProjectConfig } from "./config-file.ts";
import { foreignBinariesRemedy } from "./foreign-binaries-policy.ts";
import { ownModule, sdkVersion } from "./project-root.ts";

const IMPORT_TIMEOUT_MS = 60_000;

/**
 * The manifest of a bundle, from importing it in a process of its own with the project's environment.
 *
 * Errors: TASK_FILE_THREW (names the file, with its stack mapped to the source), DUPLICATE_TASK_ID (names both files),
 * NO_TASKS, IMPORT_HANGS, IMPORT_EXITED and what the catalogue refuses.
 */
export async function describeBundle(
  config: ProjectConfig,
  bundle: Bundle,
  env: Record<string, string | undefined>,
): Promise<Manifest> {
  const description = await askProcess(config, bundle, env);
  if (!description.ok) throw declarationError(config, description);
  if (description.declared.tasks.length === 0) {
    throw new CliError("NO_TASKS", `The files in ${config.dirNames.join(", ")} declare no task.`, {
      remedy: 'Declare one: export const hello = task({ id: "hello", run: async () => {} }).',
    });
  }
  return manifestOf(config, bundle, description.declared);
}

function askProcess(
  config: ProjectConfig,
  bundle: Bundle,
  env: Record<string, string | undefined>,
): Promise<Description> {
  const entry = pathToFileURL(join(bundle.dir, bundle.entry)).href;
  const child = fork(ownModule("describe-process"), [entry], {
    cwd: config.projectDir,
    env: { ...env, GANTRY_PHASE: "describe" } as NodeJS.ProcessEnv,
    execArgv: ["--enable-source-maps", "--no-warnings"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  return new Promise((resolve, reject) => {
    let output = "";
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-4000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    const timer = setTimeout(() => {
      reject(
        new CliError("IMPORT_HANGS", `Importing the task files has not ended after ${IMPORT_TIMEOUT_MS / 1000} s.`, {
          remedy: "Look for an await at the top level of a task file that never settles.",
        }),
      );
      child.kill("SIGKILL");
    }, IMPORT_TIMEOUT_MS);
    child.once("message", (message) => resolve(message as Description));
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      reject(
        new CliError(
          "IMPORT_EXITED",
          `A task file ended the process while it was imported (${signal ?? `code ${code}`}).`,
          {
            remedy: `Remove process.exit() and the like from the top level of task files.${output ? `\n${output.trimEnd()}` : ""}`,
          },
        ),
      );
    });
  });
}

function declarationError(config: ProjectConfig, failure: Extract<Description, { ok: false }>): CliError {
  const { file, error, code } = failure;
  if (code !== "TASK_FILE_THREW") return new CliError(code, error.message);
  const stack = readableStack(error.stack ?? `${error.name}: ${error.message}`, config.projectDir);
  return new CliError(code, `${file ?? "A task file"} throws while it is imported:\n${stack}`, {
    remedy:
      foreignBinariesRemedy(`${error.message}\n${stack}`, `${process.platform}-${process.arch}`) ??
      "Correct the file. What needs a connection or a secret belongs into run(), not at the top of the file.",
  });
}

/** What the code declares, completed by what the configuration says. */
function manifestOf(config: ProjectConfig, bundle: Bundle, declared: Pick<Manifest, "tasks" | "queues">): Manifest {
  return {
    manifestVersion: 1,
    sdkVersion: sdkVersion(),
    runtime: `node-${process.versions.node}`,
    tasks: declared.tasks,
    queues: declared.queues,
    entry: bundle.entry,
    processKeepAlive: config.processKeepAlive,
    mayWait: bundle.mayWait,
    ...(config.machine === undefined ? {} : { defaultMachine: config.machine }),
    ...(config.maxDuration === undefined ? {} : { defaultMaxDuration: config.maxDuration }),
    ...(config.checkpoint === undefined ? {} : { defaultCheckpoint: config.checkpoint }),
    ...(config.retries.default === undefined ? {} : { defaultRetry: withoutUndefined(config.retries.default) }),
  };
}

/** The manifest as `gantry dev` registers it: `retries.enabledInDev` decides whether anything is tried again. */
export function devManifest(config: ProjectConfig, manifest: Manifest): Manifest {
  const { enabledInDev } = config.retries;
  if (enabledInDev === true) return { ...manifest, defaultRetry: { maxAttempts: 3, ...manifest.defaultRetry } };
  const once = { maxAttempts: 1 };
  if (enabledInDev === undefined) return { ...manifest, defaultRetry: manifest.defaultRetry ?? once };
  const tasks = manifest.tasks.map((task) => ({ ...task, retry: { ...task.retry, ...once } }));
  return { ...manifest, defaultRetry: once, tasks };
}

function withoutUndefined<T extends object>(value: T): Manifest["defaultRetry"] {
  return JSON.parse(JSON.stringify(value)) as Manifest["defaultRetry"];
}
