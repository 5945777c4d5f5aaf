import { describe, expect, test } from "vitest";
import { durableRuns } from "./support/durable-runs.ts";
import { done, opened } from "./support/journal-acts.ts";

const at = await durableRuns();
const { worker } = at;

describe("a run that triggers another", () => {
  test("is its parent, the first of all is its root, and each is one deeper", async () => {
    const root = await at.start();
    const parent = await at.start(root);
    const child = await at.start(parent);
    expect(child.run).toMatchObject({ parentRunId: parent.run.id, rootRunId: root.run.id, depth: 2 });
    expect(await at.run(child.run.id)).toMatchObject({
      parentRunId: parent.run.id,
      rootRunId: root.run.id,
      depth: 2,
      relatedRuns: { parent: { id: parent.run.id }, root: { id: root.run.id } },
    });
    const { data } = await at.get(`/api/v1/runs?filter%5BrootRunId%5D=${root.run.id}`);
    expect((data as { id: string }[]).map(({ id }) => id)).toEqual([child.run.id, parent.run.id]);
  });

  test("cannot say that another run is the parent", async () => {
    const [one, two] = [await at.start(), await at.start()];
    const child = await at.start(one, { parentRunId: two.run.id });
    expect(child.run.parentRunId).toBe(one.run.id);
  });

  test("is refused below the deepest level, with the limit's name", async () => {
    await at.platform.projects.setLimits(at.prod, { treeDepth: 2 });
    const deepest = await at.start(await at.start(await at.start()));
    expect(await at.trigger({}, deepest)).toMatchObject({
      status: 422,
      body: { code: "TREE_TOO_DEEP", details: { limit: "treeDepth" } },
    });
    await at.platform.projects.setLimits(at.prod, { treeDepth: 32 });
  });

  test("has so many open children and no more; one that ended makes room", async () => {
    await at.platform.projects.setLimits(at.prod, { openChildrenPerRun: 2 });
    const parent = await at.start();
    const first = await at.start(parent);
    await at.start(parent);
    expect(await at.trigger({}, parent)).toMatchObject({
      status: 422,
      body: { code: "TOO_MANY_CHILDREN", details: { limit: "openChildrenPerRun" } },
    });
    await worker.complete(first);
    expect((await at.trigger({}, parent)).status).toBe(200);
    await at.platform.projects.setLimits(at.prod, { openChildrenPerRun: 10_000 });
  });

  test("can trigger nothing once its worker has left and it waits", async () => {
    const parent = await at.start();
    await worker.journal(parent, 0, [opened(0, { inMs: 3600_000 })]);
    await worker.park(parent, 0, "replay");
    expect(await at.trigger({}, parent)).toMatchObject({ status: 409, body: { code: "EXECUTION_FENCED" } });
  });
});

test("a child that is locked to its parent's version runs there, also when that is not current any more", async () => {
  const parent = await at.start();
  const next = await at.promote(["export"]);
  expect((await at.trigger({}, parent)).body.code).toBe("TASK_NOT_FOUND");
  const { body } = await at.trigger({ lockToVersion: at.version }, parent);
  const child = await worker.granted(String(body.id));
  expect(child.run.version).toBe(at.version);
  expect(next.version).not.toBe(at.version);
  const item = JSON.stringify({ index: 0, task: "import", payload: 1, options: { lockToVersion: at.version } });
  const { body: batch } = await at.call("POST", "/api/v3/batches", { runCount: 1 }, parent.runToken);
  const added = await at.call("POST", `/api/v3/batches/${batch.id}/items`, item, parent.runToken);
  expect(added.status).toBe(200);
  const [runId] = (await at.get(`/api/v2/batches/${batch.id}`)).runs as string[];
  expect((await worker.granted(String(runId))).run).toMatchObject({
    version: at.version,
    parentRunId: parent.run.id,
    batchId: batch.id,
  });
  await at.call("POST", `/api/v1/deployments/${at.version}/promote`);
});

describe("metadata of a tree", () => {
  const metadata = async (id: string) => (await at.get(`/api/v1/runs/${id}/metadata`)).metadata;

  test("a run writes to its parent and its root, also while they wait", async () => {
    const root = await at.start();
    const parent = await at.start(root);
    const child = await at.start(parent);
    await worker.journal(root, 0, [opened(0, { childRunId: parent.run.id })]);
    await worker.park(root, 0, "replay");
    await worker.journal(parent, 0, [opened(0, { childRunId: child.run.id })]);
    await worker.park(parent, 0, "hold");
    await worker.metadata(child, {
      own: [{ type: "set", key: "step", value: 1 }],
      parent: [{ type: "increment", key: "done", value: 2 }],
      root: [{ type: "append", key: "log", value: "from below" }],
    });
    expect(await metadata(child.run.id)).toEqual({ step: 1 });
    expect(await metadata(parent.run.id)).toEqual({ done: 2 });
    expect(await metadata(root.run.id)).toEqual({ log: ["from below"] });
    await worker.complete(child, "done");
    const again = await worker.until(() => worker.told.find(({ executionId }) => executionId === parent.executionId));
    expect(again.type).toBe("wake");
    await worker.complete(parent);
    expect((await worker.granted(root.run.id, 1)).run.metadata).toBe('{"log":["from below"]}');
  });

  test("a run without a parent takes what it says to its parent and its root", async () => {
    const alone = await at.start();
    const set = (key: string) => [{ type: "set" as const, key, value: 1 }];
    await worker.metadata(alone, { parent: set("a"), root: set("b") });
    expect(await metadata(alone.run.id)).toEqual({ a: 1, b: 1 });
  });
});

describe("canceling a run that waits", () => {
  test("ends it and its queued descendants at once, and tells the workers of those that execute", async () => {
    const parent = await at.start();
    const child = await at.start(parent);
    const grandchild = await at.start(child);
    const delayed = (await at.trigger({ delay: "1h" }, child)).body.id;
    await worker.journal(parent, 0, [opened(0, { childRunId: child.run.id })]);
    expect((await worker.park(parent, 0, "replay")).state).toBe("SUSPENDED");
    await at.call("POST", `/api/v2/runs/${parent.run.id}/cancel`, {});
    expect((await at.run(parent.run.id)).status).toBe("CANCELED");
    expect((await at.run(String(delayed))).status).toBe("CANCELED");
    for (const grant of [child, grandchild]) {
      await worker.until(() =>
        worker.told.find(({ type, executionId }) => type === "cancel" && executionId === grant.executionId),
      );
      await worker.cancel(grant);
      expect((await at.run(grant.run.id)).status).toBe("CANCELED");
    }
  });

  test("tells the worker that is held for it, and its children", async () => {
    const parent = await at.start();
    const { body: child } = await at.trigger({ delay: "1h" }, parent);
    await worker.journal(parent, 0, [opened(0, { childRunId: String(child.id) })]);
    expect((await worker.park(parent, 0, "hold")).state).toBe("PARKED");
    await at.call("POST", `/api/v2/runs/${parent.run.id}/cancel`, {});
    await worker.until(() =>
      worker.told.find(({ type, executionId }) => type === "cancel" && executionId === parent.executionId),
    );
    await worker.cancel(parent);
    expect((await at.run(parent.run.id)).status).toBe("CANCELED");
    expect((await at.run(String(child.id))).status).toBe("CANCELED");
  });

  test("a child that is canceled wakes its parent, with an error", async () => {
    const parent = await at.start();
    const { body: child } = await at.trigger({ delay: "1h" }, parent);
    await worker.journal(parent, 0, [opened(0, { childRunId: String(child.id) })]);
    await worker.park(parent, 0, "replay");
    await at.call("POST", `/api/v2/runs/${child.id}/cancel`, {});
    const again = await worker.granted(parent.run.id, 1);
    expect(again.journal?.entries).toMatchObject([{ childRunId: child.id, completion: { ok: false } }]);
  });
});

test("a batch that a run waits for is complete only once it is sealed, with its items in their order", async () => {
  const parent = await at.start();
  const { body: batch } = await at.call("POST", "/api/v3/batches", { runCount: 2 }, parent.runToken);
  await worker.journal(parent, 0, [done(0), opened(1, { batchId: String(batch.id) }, 1)]);
  await worker.park(parent, 1, "replay");
  const add = async (index: number) => {
    const item = JSON.stringify({ index, task: "import", payload: index });
    await at.call("POST", `/api/v3/batches/${batch.id}/items`, item);
  };
  const runIds = async () => (await at.get(`/api/v2/batches/${batch.id}`)).runs as string[];
  await add(1);
  const [second] = await runIds();
  await worker.complete(await worker.granted(String(second)), "second");
  await at.ended(String(second), "COMPLETED");
  expect((await at.run(parent.run.id)).status).toBe("WAITING");
  await add(0);
  const [first] = await runIds();
  await worker.complete(await worker.granted(String(first)), "first");
  const again = await worker.granted(parent.run.id, 1);
  const { completion } = again.journal?.entries[1] ?? {};
  expect(JSON.parse(completion?.value ?? "null")).toMatchObject([
    { id: first, ok: true, output: '"first"' },
    { id: second, ok: true, output: '"second"' },
  ]);
});
