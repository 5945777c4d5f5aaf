/**
 * The process in which tasks run: imports the bundle, says that it is ready, runs what the runner grants, one attempt at a
 * time, and ends (or takes the next one where processes are kept alive).
 */
import { pathToFileURL } from "node:url";
import { toWireError } from "@gantry/sdk/contract";
import { AttemptRunner } from "./attempt-runner.ts";
import { installLazySourceMaps } from "./lazy-source-maps.ts";
import { type Begin, TASK_PROCESS_VARIABLE, type TaskProcessConfig } from "./process-messages.ts";
import { RunnerConnection } from "./runner-connection.ts";
import { warmUp } from "./warm-up.ts";
import { installWatch } from "./watch/install-watch.ts";
import type { Watch } from "./watch/watch.ts";

const config = takeConfig();
let hasBegun = false;
process.title = "gantry task (idle)";
installLazySourceMaps();
const watch = config.watches ? watchIfPossible() : undefined;

const connection = new RunnerConnection({
  socket: config.socket,
  key: config.key,
  holds: () => runner.holds,
  unsaid: () => runner.unsaid(),
  onSocket: (socket) => watch?.ignore(socket),
  onMessage: (message) => (message.t === "begin" ? void begin(message) : runner.receive(message)),
  onGone: () => process.exit(1),
});
const runner = new AttemptRunner(config, connection, watch);
connection.open();
if (config.entry !== undefined) {
  await load(config.entry);
  // No run waits yet, or there would have been a `begin`: the first one finds compiled code.
  await warmUp();
  runner.ready();
}

/** What a process that was booted ahead of its variables waits for. It may be said twice, on two connections. */
async function begin({ entry, variables }: Begin): Promise<void> {
  if (hasBegun) return;
  hasBegun = true;
  Object.assign(process.env, variables);
  await load(entry);
  runner.ready();
}

/** A bundle that cannot be imported: says why, with the stack, and ends. */
async function load(entry: string): Promise<void> {
  try {
    await import(pathToFileURL(entry).href);
  } catch (thrown) {
    connection.send({ t: "bootFailed", error: toWireError(thrown) });
    await connection.close();
    process.exit(1);
  }
}

/** Undefined where Node does not let itself be watched: runs that wait then keep their process. */
function watchIfPossible(): Watch | undefined {
  try {
    return installWatch();
  } catch (error) {
    process.stderr.write(`this process cannot watch what tasks do: ${String(error)}\n`);
    return undefined;
  }
}

function takeConfig(): TaskProcessConfig {
  const text = process.env[TASK_PROCESS_VARIABLE];
  if (text === undefined) throw new Error(`${TASK_PROCESS_VARIABLE} is not set: the runner starts this program`);
  delete process.env[TASK_PROCESS_VARIABLE];
  const read = JSON.parse(text) as TaskProcessConfig;
  if (read.hasCompileCache) delete process.env.NODE_COMPILE_CACHE;
  return read;
}
