import {
  ApiClient,
  batch,
  bulkActions,
  cluster,
  configure,
  environments,
  errors,
  insightsApi,
  queues,
  runs,
  tasks,
} from "@gantry/sdk";
import { configure as triggerDevConfigure, runs as triggerDevRuns } from "@trigger.dev/sdk";
import { beforeAll, describe, expect, test } from "vitest";
import { startRealPlatform } from "./support/real-platform.ts";

const { url, key, otherKey, complete, platform } = await startRealPlatform();

/** Figures are some seconds behind. */
const LONG = { timeout: 25_000, interval: 100 };

/** Ends a run as a failure, as a worker that is given up would. */
async function fail(runId: string, reason: string): Promise<void> {
  await new ApiClient({ baseUrl: url, token: key }).forceFailRun(runId, reason);
}

describe("what operators ask, by @gantry/sdk against the whole platform", { timeout: 30_000 }, () => {
  beforeAll(() => configure({ baseURL: url, accessToken: key }));

  test("tasks have their declaration, and figures a few seconds after their runs have ended", async () => {
    const { id } = await tasks.trigger("import", { a: 1 });
    await complete(id, { rows: 1 });
    await expect.poll(async () => (await tasks.retrieve("import")).stats.runs, LONG).toBeGreaterThan(0);
    const page = await tasks.list({ limit: 2 });
    expect(page.data.map((task) => task.id)).toEqual(["export", "import"]);
    expect((await page.getNextPage()).data.map((task) => task.id)).toEqual(["report"]);
    const [, task] = page.data;
    expect(task).toMatchObject({
      filePath: "src/import.ts",
      queue: "task/import",
      lastRun: { status: "COMPLETED", createdAt: expect.any(Date) },
    });
    expect(task?.stats.series.at(-1)).toMatchObject({ at: expect.any(Date), runs: expect.any(Number) });
    expect((await runs.stats({ period: "1h" })).runs).toBeGreaterThan(0);
    await expect(tasks.retrieve("nope")).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
  });

  test("failed runs are grouped by their error, listed by it, and replayed together, once each", async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async (n) => (await tasks.trigger("export", { n }, { delay: "1h" })).id),
    );
    for (const [n, id] of ids.entries()) await fail(id, `the disk ${n} is full`);
    const found = async () => (await errors.list({ taskIdentifier: "export" })).data;
    await expect.poll(async () => (await found())[0]?.count, LONG).toBe(3);
    const [group] = await found();
    expect(group).toMatchObject({ taskIdentifier: "export", code: "FORCE_FAILED", lastSeenAt: expect.any(Date) });
    const fingerprint = group?.fingerprint as string;
    expect(await errors.retrieve(fingerprint)).toMatchObject({ count: 3 });
    const listed = (await runs.list({ error: fingerprint })).data.map((run) => run.id);
    expect(listed.sort()).toEqual(ids.toSorted());
    expect(await runs.count({ error: fingerprint })).toMatchObject({ total: 3, isCapped: false });

    const { id } = await bulkActions.create({
      action: "replay",
      name: "after the fix",
      filter: { error: fingerprint },
    });
    const action = await bulkActions.poll(id, { pollIntervalMs: 50 });
    expect(action).toMatchObject({ type: "REPLAY", status: "COMPLETED", counts: { total: 3, success: 3, failure: 0 } });
    const made = (await runs.list({ bulkAction: id })).data;
    expect(made.map((run) => run.taskIdentifier)).toEqual(["export", "export", "export"]);
    expect((await bulkActions.list()).data[0]).toMatchObject({
      id,
      name: "after the fix",
      createdAt: expect.any(Date),
    });

    const canceled = await runs.bulk.cancel({ runIds: made.map((run) => run.id) });
    expect(await runs.bulk.poll(canceled.id, { pollIntervalMs: 50 })).toMatchObject({ counts: { success: 3 } });
    expect((await runs.list({ bulkAction: canceled.id, status: "CANCELED" })).data).toHaveLength(3);
  });

  test("Trigger.dev's own client finds its bulk actions", async () => {
    const { id: runId } = await tasks.trigger("import", {}, { delay: "1h" });
    triggerDevConfigure({ baseURL: url, secretKey: key.replace(/^gt_/, "tr_") });
    const { id } = await triggerDevRuns.bulk.cancel({ runIds: [runId] });
    const done = await triggerDevRuns.bulk.poll(id, { pollIntervalMs: 50 });
    expect(done).toMatchObject({ type: "CANCEL", status: "COMPLETED", counts: { total: 1, success: 1, failure: 0 } });
    expect((await triggerDevRuns.bulk.list({ limit: 1 })).data[0]?.id).toBe(id);
    await triggerDevRuns.bulk.replay({ filter: { taskIdentifier: "nothing", period: "1h" } });
  });

  test("runs are found by what people have at hand", async () => {
    const handle = await tasks.trigger("import", {}, { tags: ["order-4711"], idempotencyKey: "invoice 4711" });
    const found = async (search: string) => (await runs.list({ search })).data.map((run) => run.id);
    expect(await found(handle.id)).toEqual([handle.id]);
    expect(await found(handle.id.slice(0, 26))).toContain(handle.id);
    expect(await found("order-4711")).toEqual([handle.id]);
    expect(await found("invoice 4711")).toEqual([handle.id]);
    expect(await found("imp")).toContain(handle.id);
    expect(await found("no such thing")).toEqual([]);
  });

  test("batches, the cluster, environments, limits and queues are seen as they are", async () => {
    const { batchId } = await batch.trigger([{ id: "import", payload: 1 }] as never);
    expect((await batch.list()).data[0]).toMatchObject({
      id: batchId,
      status: "PENDING",
      runCount: 1,
      counts: { triggered: 1, live: 1, failed: 0, errors: 0 },
      createdAt: expect.any(Date),
    });
    expect(await cluster.retrieve()).toMatchObject({ executor: "none", workers: [], problem: null, nodes: null });
    expect(await environments.list()).toMatchObject([{ slug: "prod", project: { ref: "proj_test" } }]);
    await tasks.trigger("import", {}, { delay: "1h" });
    const usage = await environments.usage();
    expect(usage).toMatchObject({ isPaused: false, pausedAt: null });
    expect(usage.limits.find(({ name }) => name === "queuedRuns")?.used).toBeGreaterThan(0);
    expect(usage.limits.find(({ name }) => name === "payloadBytes")?.used).toBeNull();
    await queues.pause({ type: "task", name: "export" });
    await tasks.trigger("export", {});
    const queue = (await queues.list()).data.find(({ name }) => name === "export");
    const want = {
      queued: 1,
      running: 0,
      oldestQueuedAt: expect.any(Date),
      pausedAt: expect.any(Date),
      startsInPeriod: null,
    };
    expect(queue).toMatchObject(want);
  });

  test("another environment sees nothing of it", async () => {
    const other = insightsApi(new ApiClient({ baseUrl: url, token: otherKey }));
    for (const list of [other.listTasks(), other.listErrors(), other.listBulkActions(), other.listBatches()])
      expect((await list).data).toEqual([]);
    const [mine] = (await bulkActions.list()).data;
    await expect(other.retrieveBulkAction(mine?.id as string)).rejects.toMatchObject({ code: "BULK_ACTION_NOT_FOUND" });
    await expect(other.abortBulkAction(mine?.id as string)).rejects.toMatchObject({ code: "BULK_ACTION_NOT_FOUND" });
    const [group] = (await errors.list()).data;
    await expect(other.retrieveError(group?.fingerprint as string)).rejects.toMatchObject({
      code: "ERROR_GROUP_NOT_FOUND",
    });
    const theirs = await runs.bulk.cancel({ runIds: (await runs.list({ limit: 1 })).data.map((run) => run.id) }, {
      clientConfig: { baseURL: url, accessToken: otherKey },
    } as never);
    expect(await other.retrieveBulkAction(theirs.id)).toMatchObject({ type: "CANCEL" });
    expect((await other.runStats()).runs).toBe(0);
    expect(await other.countRuns()).toMatchObject({ total: 0 });
  });

  test("a person sees all environments", async () => {
    const { token } = await platform.projects.createAccessToken("me", []);
    const all = await insightsApi(new ApiClient({ baseUrl: url, token })).listEnvironments();
    expect(all.map(({ slug }) => slug)).toEqual(["prod", "staging"]);
  });
});
