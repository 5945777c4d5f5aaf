// `make demo`: imports real data through Gantry from start to end, shows a run that waits without a process, checks the
// results, and leaves nothing running.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { inspect } from "node:util";
import { startDev } from "./demo/dev-session.mjs";
import { descendants, livingOf } from "./demo/processes.mjs";
import { waitWithoutProcess } from "./demo/waiting-run.mjs";
import { ROOT } from "./paths.mjs";

const AIRPORTS = join(ROOT, "examples", "airports");
const ONBOARDING = join(ROOT, "examples", "onboarding");
const WANTED = { count: 3376, byCountry: { US: 3372, FM: 1, MP: 1, PW: 1, TH: 1 }, withoutState: 12 };
const say = (text = "") => process.stdout.write(`${text}\n`);

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

async function main() {
  const startedAt = Date.now();
  await inSession(AIRPORTS, async ({ apiUrl, secretKey }) => {
    const run = await importAirports(apiUrl, secretKey);
    check(run);
    const took = run.finishedAt - run.startedAt;
    say(`\n${inspect(run.output, { depth: 4, breakLength: 100 })}\n`);
    say(
      `Checked: ${run.output.count} airports, every row valid, in ${(took / 1000).toFixed(1)} s and ${run.attemptCount} attempts.\n`,
    );
  });
  await inSession(ONBOARDING, (client) => waitWithoutProcess(client, say));
  say(`\nEverything is stopped; nothing is left running. The demo took ${seconds(startedAt)}.\n`);
  say("Go on:");
  say("  make dev                                          run it yourself; the dashboard is at http://localhost:4400");
  say("  cd examples/airports                              then, in another terminal:");
  say("  npx gantry trigger import-airports --payload '{\"paceMs\":100}' --wait");
  say("  npx gantry runs list                              what ran; also: runs get, logs, watch, replay, explain");
  say("  Edit examples/airports/tasks/import-airports.ts   it reloads; runs in flight keep their version");
  say("  examples/onboarding, examples/approval            runs that wait; docs/waits.md explains them");
}

/** A `gantry dev` of its own for a project, with data in a temporary folder; all of it is gone afterwards. */
async function inSession(project, use) {
  const startedAt = Date.now();
  const dataDir = await mkdtemp(join(tmpdir(), "gantry-demo-"));
  const port = await freePort();
  say(`Starting Gantry and its Postgres on port ${port}, with data in a temporary folder …`);
  const session = startDev({ project, port, dataDir });
  try {
    const client = await session.event("ready");
    const { version, tasks } = await session.event("deployed");
    say(`Ready after ${seconds(startedAt)}. Version ${version} has the task ${tasks.join(", ")}.`);
    say(`Its dashboard, while it runs: ${client.apiUrl}\n`);
    await use(client);
  } finally {
    await end(session, port);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}

/** Through the SDK, as an app does it. */
async function importAirports(apiUrl, secretKey) {
  const { configure, runs, tasks } = await import("@gantry/sdk");
  configure({ baseURL: apiUrl, secretKey });
  const { id } = await tasks.trigger("import-airports", { paceMs: 120 });
  say(`Triggered ${id}`);
  let failures = 0;
  for (let shown = ""; ; await pause(100)) {
    const run = await runs.retrieve(id);
    const failed = run.attempts?.filter(({ outcome }) => outcome === "FAILED") ?? [];
    for (const { number, error } of failed.slice(failures))
      say(`  attempt ${number} failed: ${error?.message} It is tried again.`);
    failures = failed.length;
    const line = progressLine(run);
    if (line !== shown) say(line);
    shown = line;
    if (run.isCompleted) return run;
  }
}

function progressLine({ status, attemptCount, metadata }) {
  const { phase, progress } = metadata ?? {};
  const attempt = `attempt ${Math.max(attemptCount, 1)}`;
  if (progress === undefined) return `  ${status.padEnd(9)} ${attempt}  ${phase ?? ""}`.trimEnd();
  const bar = "█".repeat(Math.round(progress.percent / 5)).padEnd(20, "░");
  return `  ${status.padEnd(9)} ${attempt}  ${bar} ${String(progress.percent).padStart(3)} %  ${progress.rowsDone} rows`;
}

function check(run) {
  assert.equal(run.status, "COMPLETED", `the run is ${run.status}: ${run.error?.message}`);
  assert.ok(run.attemptCount >= 2, "the first attempt was to fail, and be retried");
  const { count, byCountry, withoutState } = run.output;
  assert.deepEqual({ count, byCountry, withoutState }, WANTED);
  assert.equal(run.output.topStates[0].state, "AK");
  assert.match(run.output.northernmost, /^Wiley Post/);
  assert.deepEqual(run.metadata.progress, { rowsDone: 3376, percent: 100 });
}

/** Stops the session as Ctrl-C does, and makes sure that every process of it is gone and the port is free. */
async function end(session, port) {
  const family = await descendants(session.pid);
  await session.stop();
  const giveUpAt = Date.now() + 5_000;
  let left = await livingOf(family);
  while (left.length > 0 && Date.now() < giveUpAt) {
    await pause(50);
    left = await livingOf(family);
  }
  assert.deepEqual(left, [], `processes are left running: ${left.join(", ")}`);
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  server.close();
}

function seconds(sinceMs) {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

// Whoever reads this may go away; what was started is stopped all the same.
process.stdout.on("error", () => {});
await main().catch((error) => {
  process.stderr.write(`The demo failed: ${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
