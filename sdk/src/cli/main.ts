#!/usr/bin/env node
/** The `gantry` command. Checks Node before anything that an old Node could not parse is loaded. */
const OLDEST_NODE = [22, 12] as const;

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  process.stderr.write(
    `error Gantry needs Node.js ${OLDEST_NODE.join(".")} or newer; this is ${process.versions.node}.\n` +
      "→ Install Node.js 24 LTS (https://nodejs.org), then run the command again.\n",
  );
  process.exitCode = 2;
} else {
  await start();
}

async function start(): Promise<void> {
  const [{ runCli }, { processTerminal }, { text }] = await Promise.all([
    import("./program.ts"),
    import("./terminal.ts"),
    import("node:stream/consumers"),
  ]);
  const interrupted = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => interrupt(interrupted));
  // A closed pipe (`gantry runs list | head -1`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));
  process.exitCode = await runCli(process.argv.slice(2), {
    terminal: processTerminal(),
    env: process.env,
    cwd: process.cwd(),
    signal: interrupted.signal,
    stdin: () => text(process.stdin),
    isInputTerminal: Boolean(process.stdin.isTTY),
  });
}

let interruptedAt: number | undefined;

/** The first signal stops things in their order; a later one ends this process at once (npm sends each twice). */
function interrupt(controller: AbortController): void {
  const now = performance.now();
  interruptedAt ??= now;
  if (now - interruptedAt > 1000) process.exit(130);
  controller.abort();
}

export {};
