import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ROOT } from "./paths.mjs";

/** Rule → an import that breaks it: importer, imported. A bare name is a module of Node. */
const forbidden = {
  "contract-stands-alone": ["sdk/src/contract/a.ts", "sdk/src/client/a.ts"],
  "sdk-knows-no-platform": ["sdk/src/cli/b.ts", "platform/src/runs/a.ts"],
  "client-below-cli": ["sdk/src/client/b.ts", "sdk/src/cli/a.ts"],
  "task-below-cli": ["sdk/src/task/b.ts", "sdk/src/testing/a.ts"],
  "cli-is-a-client": ["sdk/src/cli/c.ts", "sdk/src/testing/a.ts"],
  "capabilities-know-no-edge": ["platform/src/runs/b.ts", "platform/src/http/a.ts"],
  "capabilities-do-no-io": ["platform/src/queues/a.ts", "node:fs"],
  "edges-know-no-adapter": ["platform/src/http/b.ts", "platform/src/adapters/postgres/a.ts"],
  "adapters-know-no-edge": ["platform/src/adapters/postgres/b.ts", "platform/src/loops/a.ts"],
  "adapters-meet-in-main": ["platform/src/adapters/process/a.ts", "platform/src/adapters/postgres/a.ts"],
  "nobody-imports-main": ["platform/src/loops/b.ts", "platform/src/config.ts"],
  "platform-uses-the-contract": ["platform/src/http/c.ts", "sdk/src/client/a.ts"],
  "worker-uses-contract-and-task": ["worker-image/src/a.ts", "sdk/src/client/a.ts"],
  "outside-is-outside": ["e2e/a.ts", "platform/src/runs/a.ts"],
  "pure-files-are-pure": ["platform/src/runs/run-state.ts", "node:crypto"],
};
const allowed = [
  ["platform/src/main.ts", "platform/src/adapters/postgres/a.ts"],
  ["platform/src/adapters/postgres/c.ts", "platform/src/runs/a.ts"],
  ["platform/src/http/d.ts", "sdk/src/contract/b.ts"],
  ["worker-image/src/b.ts", "sdk/src/task/a.ts"],
  ["platform/src/runs/c.test.ts", "platform/src/adapters/postgres/a.ts"],
];

let folder;
let found;

async function write(file, text) {
  await mkdir(dirname(join(folder, file)), { recursive: true });
  await writeFile(join(folder, file), text);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gantry-law-"));
  const edges = [...Object.values(forbidden), ...allowed];
  const importers = new Set(edges.map(([importer]) => importer));
  for (const [, imported] of edges)
    if (imported.endsWith(".ts") && !importers.has(imported)) await write(imported, "export type A = 1;\n");
  for (const [importer, imported] of edges) {
    const path = imported.endsWith(".ts") ? `./${relative(dirname(importer), imported)}` : imported;
    await write(importer, `import type { A } from "${path}";\nexport type B = A;\n`);
  }
  const cli = join(ROOT, "node_modules", "dependency-cruiser", "bin", "dependency-cruiser.mjs");
  const args = [
    cli,
    "--config",
    join(ROOT, ".dependency-cruiser.cjs"),
    "--output-type",
    "json",
    "sdk",
    "platform",
    "worker-image",
    "e2e",
  ];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, maxBuffer: 1e8 }).catch(
    (error) => error,
  );
  found = JSON.parse(stdout).summary.violations.map(({ rule, from, to }) => ({ rule: rule.name, from, to }));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(Object.entries(forbidden))("the law %s is enforced, for type imports too", (rule, [from, to]) => {
  expect(found).toContainEqual({ rule, from, to: to.replace("node:", "") });
});

test("what the law allows is not reported", () => {
  for (const [from, to] of allowed) expect(found).not.toContainEqual(expect.objectContaining({ from, to }));
});
