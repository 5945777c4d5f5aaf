/**
 * The process in which tasks run: imports the bundle, says that it is ready, runs what the runner grants, one attempt at a
 * time, and ends (or takes the next one where processes are kept alive).
 */
import { enableCompileCache } from "node:module";
import { pathToFileURL } from "node:url";
import { toWireError } from "@gantry/sdk/contract";
import { AttemptRunner } from "./attempt-runner.ts";
import { installLazySourceMaps } from "./lazy-source-maps.ts";
import { TASK_PROCESS_VARIABLE, type TaskProcessConfig } from "./process-messages.ts";
import { RunnerConnection } from "./runner-connection.ts";
import { warmUp } from "./warm-up.ts";

const config = takeConfig();
process.title = "gantry task (idle)";
installLazySourceMaps();
if (config.compileCacheDir !== undefined) enableCompileCache(config.compileCacheDir);

const connection = new RunnerConnection({
  socket: config.socket,
  key: config.key,
  holds: () => runner.holds,
  onMessage: (message) => runner.receive(message),
  onGone: () => process.exit(1),
});
const runner = new AttemptRunner(config, connection);
connection.open();
await boot();

async function boot(): Promise<void> {
  try {
    await import(pathToFileURL(config.entry).href);
  } catch (thrown) {
    return giveUp(thrown);
  }
  await warmUp();
  runner.ready();
}

/** A bundle that cannot be imported: say why, with the stack, and end. */
async function giveUp(thrown: unknown): Promise<void> {
  connection.send({ t: "bootFailed", error: toWireError(thrown) });
  await connection.close();
  process.exit(1);
}

function takeConfig(): TaskProcessConfig {
  const text = process.env[TASK_PROCESS_VARIABLE];
  if (text === undefined) throw new Error(`${TASK_PROCESS_VARIABLE} is not set: the runner starts this program`);
  delete process.env[TASK_PROCESS_VARIABLE];
  return JSON.parse(text) as TaskProcessConfig;
}
