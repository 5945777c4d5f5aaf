import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import type { EnvironmentRef } from "../../platform/src/projects/principal.ts";
import { FEATURES, refOf, storedProcess } from "../../platform/test/support/scripted-runner.ts";
import { encryptionKey, type StoredScene, storedScene } from "../../platform/test/support/stored-scene.ts";
import { overflow, seriousViolations } from "./support/accessibility.ts";
import { browserStage } from "./support/browser-stage.ts";

const MB = 1024 * 1024;
vi.setConfig({ testTimeout: 90_000 });
// Nothing but these tests makes workers, and theirs renew no lease.
const LEASES = { LEASE_TTL_MS: "60000", HEARTBEAT_MS: "5000" };
const stage = browserStage({
  settings: { EXECUTOR: "none", ENCRYPTION_KEY: encryptionKey, CHECKPOINT_NAMESPACE: "checkpoints", ...LEASES },
});

async function sceneOf(): Promise<StoredScene> {
  const { here } = stage.get();
  const { rows } = await here.pool.query<{ id: number }>("select id from environment where slug = 'prod'");
  const environment = { id: rows[0]?.id } as EnvironmentRef;
  return storedScene({ pool: here.pool, url: () => here.platform.url, key: here.platform.key, environment });
}

/** Readable by everybody: light, dark, and on a phone. */
async function expectReadable(page: Page, name: string): Promise<void> {
  const found: Record<string, string[]> = {};
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await stage.get().screenshot(page, `${name}-${colorScheme}`);
    found[colorScheme] = await seriousViolations(page);
  }
  await page.setViewportSize({ width: 390, height: 844 });
  await page.getByRole("button", { name: "Menu" }).waitFor();
  await stage.get().screenshot(page, `${name}-390`);
  expect({ ...found, overflow: await overflow(page) }).toEqual({ light: [], dark: [], overflow: 0 });
}

test("a run whose process is stored says where it waits, how large it is, and what that frees", async () => {
  const { here } = stage.get();
  const scene = await sceneOf();
  const token = await scene.token();
  const runId = await here.api.trigger("approval", { token: token.id });
  const runner = await scene.launch(runId);
  const grant = await runner.granted();
  await runner.journal(grant, 0, [token.wait]);
  const { checkpoint } = await runner.ask("checkpoint", refOf(grant));
  const stored = storedProcess(checkpoint?.checkpointId ?? "", [2 * MB, 2 * MB, 1_150_000]);
  await runner.putChunks(stored.checkpoint.checkpointId, stored.chunks);
  const note = {
    at: Date.now(),
    kind: "event",
    level: "info",
    message: "The run waits; its process is stored.",
    data: JSON.stringify({ checkpoint: { mode: "process", reason: "PROCESS_MODE" } }),
  };
  await runner.ask("events", { ...refOf(grant), batch: 0, attempt: 1, events: [note] });
  expect(await runner.park(grant, 0, stored.checkpoint)).toMatchObject({ park: { state: "SUSPENDED" } });
  runner.end();

  const page = await stage.get().page({ colorScheme: "light" });
  await page.goto(stage.get().path(`runs/${runId}`));
  const why = page.getByRole("region", { name: "Why it waits" });
  await why.getByText("Its process waits in Postgres").waitFor();
  await why.getByText("process · PROCESS_MODE").waitFor();
  // The run is read apart from why it waits.
  for (const figure of ["5.1 MB of 25 MB", "frees small-1x", `stored on ${FEATURES.node}`])
    await why.getByRole("list").last().getByRole("listitem").filter({ hasText: figure }).waitFor();
  await page.getByRole("list", { name: "Executions" }).getByText("stored in Postgres").waitFor();
  await page.getByRole("row", { name: /Executions/ }).click();
  await page.getByRole("region", { name: "Details of Executions" }).getByText("2. stored in Postgres").waitFor();
  await expectReadable(page, "run-stored");

  await token.complete({ by: "Ada" });
  await why.getByText("Its process waits in Postgres").waitFor({ state: "detached" });
  scene.endAll();
});

const NODES = {
  isEnabled: true,
  nodes: [
    { name: "node-a", works: true, reason: null, arch: "x64", kernel: "6.18.44", seenAt: new Date().toISOString() },
    {
      name: "node-b",
      works: false,
      reason: "criu dump ended with 1: Error (criu/util.c): Can't create a process: Operation not permitted",
      arch: "arm64",
      kernel: "6.1.0-18-cloud-arm64",
      seenAt: new Date(Date.now() - 3_600_000).toISOString(),
    },
  ],
};

/** The cluster page of a platform whose cluster looks so. */
async function openCluster(checkpoints: object): Promise<Page> {
  const room = { total: 8, requested: 1 };
  const nodes = ["node-a", "node-b", "node-c"].map((name) => ({
    name,
    isReady: true,
    isSchedulable: true,
    pressure: [],
    cpu: room,
    memoryBytes: { total: 16 * 1024 * MB, requested: 512 * MB },
    pods: { total: 110, requested: 2 },
  }));
  const json = {
    executor: "kubernetes",
    problem: null,
    observedAt: new Date().toISOString(),
    workers: [],
    isTruncated: false,
    nodes,
    checkpoints,
  };
  const page = await stage.get().page({ colorScheme: "light" });
  await page.route("**/api/v1/cluster", (route) => route.fulfill({ json }));
  await page.goto(stage.get().path("cluster"));
  return page;
}

test("the cluster page says on which nodes processes can be stored, and why not on the others", async () => {
  const page = await openCluster(NODES);
  const table = page.getByRole("region", { name: "Nodes and process checkpoints" });
  await table.waitFor();
  const rows = await table.getByRole("row").allTextContents();
  expect(rows[1]).toMatch(/node-a.*Works/);
  expect(rows[2]).toMatch(/node-b.*Does not.*Operation not permitted/);
  expect(rows[3]).toMatch(/node-c.*Not tried/);
  await table.scrollIntoViewIfNeeded();
  await expectReadable(page, "cluster-checkpoints");
});

test("where it is switched off the cluster page says how to switch it on", async () => {
  const page = await openCluster({ isEnabled: false, nodes: [] });
  await page.getByText("processCheckpoints.enabled").waitFor();
});
