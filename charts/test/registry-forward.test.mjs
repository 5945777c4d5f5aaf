import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { CHART } from "../../.make/generate/chart.mjs";
import { freePort } from "../../platform/test/support/free-port.ts";

const PROGRAM = join(CHART, "files", "registry-forward.mjs");

/** A registry that answers with the path it was asked for. */
async function registry() {
  const server = createServer((req, res) => res.end(req.url));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return server.address().port;
}

/** Resolves with the forwarder's first line. */
async function forward(port, to) {
  const child = spawn(process.execPath, [PROGRAM, String(port), "127.0.0.1", String(to)]);
  onTestFinished(() => void child.kill());
  const [line] = await Promise.race([once(child.stdout, "data"), once(child.stderr, "data")]);
  return { line: String(line), child };
}

test("what comes to the node's port reaches the registry, and its answer comes back", async () => {
  const port = await freePort();
  const { line } = await forward(port, await registry());
  expect(line).toContain(`127.0.0.1:${port} leads to`);
  const reply = await fetch(`http://127.0.0.1:${port}/v2/`);
  expect(await reply.text()).toBe("/v2/");
});

test("a registry that is away closes the connection and does not end the forwarder", async () => {
  const port = await freePort();
  // Nobody listens on a port that only root may have, and has no use for.
  const { child } = await forward(port, 1);
  await expect(fetch(`http://127.0.0.1:${port}/v2/`)).rejects.toThrow();
  expect(child.exitCode).toBeNull();
});

test("a port that is taken is named together with the value to change", async () => {
  const taken = await registry();
  const { line } = await forward(taken, taken);
  expect(line).toContain("set registry.hostPort");
});
