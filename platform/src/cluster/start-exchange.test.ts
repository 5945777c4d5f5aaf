import { describe, expect, test } from "vitest";
import { engineFixture } from "../../test/support/engine-fixture.ts";
import { testDatabase } from "../../test/support/test-database.ts";

const engine = await engineFixture(await testDatabase());
const { at, credentials, startExchange } = engine;
engine.launchEach();

const NONCE = "n".repeat(22);
const body = (nonce = NONCE) => ({ protocol: 1, nonce, host: "pod" });

async function launched(machine?: string) {
  const run = await engine.trigger(machine === undefined ? {} : { machine });
  const request = engine.launched.findLast(({ runId }) => runId === run.id);
  if (request === undefined) throw new Error("no worker was launched");
  const token = (expiresAt = new Date(Date.now() + 60_000)) =>
    credentials.issueBootstrapToken({
      executionId: request.executionId,
      environmentId: at.environmentId,
      deploymentId: at.deploymentId,
      expiresAt,
    });
  return { run, executionId: request.executionId, token };
}

describe("a bootstrap token", () => {
  test("buys the worker of one execution its credentials, machine and variables", async () => {
    const { executionId, token } = await launched("medium-1x");
    const start = await startExchange(token(), body());
    expect(start).toMatchObject({
      executionId,
      machine: { name: "medium-1x" },
      entry: "entry.mjs",
      variables: { PLAIN: "1" },
    });
    expect(credentials.verifyWorkerToken(start.workerToken)).toMatchObject({ executionId, workerId: start.workerId });
  });

  test("works once: the same pod may ask again, even once it has started, another is refused", async () => {
    const { executionId, token } = await launched();
    const first = await startExchange(token(), body());
    expect((await startExchange(token(), body())).workerId).toBe(first.workerId);
    const worker = await engine.worker(1, first.workerId, [], executionId);
    await expect.poll(() => worker.grants().length).toBe(1);
    expect((await startExchange(token(), body())).workerId).toBe(first.workerId);
    await expect(startExchange(token(), body("m".repeat(22)))).rejects.toMatchObject({ code: "BOOTSTRAP_TOKEN_USED" });
  });

  test("is worth nothing after its deadline, for another installation, as another kind of token, or once its run moved on", async () => {
    const { run, executionId, token } = await launched();
    await expect(startExchange(token(new Date(Date.now() - 2000)), body())).rejects.toMatchObject({
      code: "TOKEN_EXPIRED",
    });
    await expect(startExchange("nonsense", body())).rejects.toMatchObject({ code: "UNAUTHORIZED" });
    const claims = { workerId: "w", environmentId: at.environmentId, deploymentId: at.deploymentId, executionId };
    await expect(startExchange(credentials.issueWorkerToken(claims), body())).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
    expect(credentials.verifyWorkerToken(token())).toBeUndefined();
    await engine.observations.observed(executionId, { then: "requeue", code: "UNSCHEDULABLE", message: "full" });
    await expect(startExchange(token(), body())).rejects.toMatchObject({ code: "EXECUTION_FENCED" });
    expect(await engine.status(run.id)).toBe("DELAYED");
  });

  test("of another release's runner says so", async () => {
    const { token } = await launched();
    await expect(startExchange(token(), { ...body(), protocol: 99 })).rejects.toMatchObject({
      code: "PROTOCOL_MISMATCH",
    });
  });
});

describe("an onFailure hook", () => {
  test("has a worker launched for it, under one execution however often it is looked at, and runs there", async () => {
    const run = await engine.trigger();
    const first = engine.launched.findLast(({ runId }) => runId === run.id)?.executionId as string;
    await engine.observations.observed(first, { then: "fail", code: "IMAGE_PULL_FAILED", message: "gone" });
    for (let look = 0; look < 2; look++) {
      await engine.loops.hooks.tick(Date.now());
      await engine.makeHooksDue();
    }
    const launches = engine.launched.filter((request) => request.runId === run.id && request.executionId !== first);
    expect(new Set(launches.map(({ executionId }) => executionId)).size).toBe(1);
    const executionId = launches[0]?.executionId as string;
    const token = credentials.issueBootstrapToken({
      executionId,
      environmentId: at.environmentId,
      deploymentId: at.deploymentId,
      expiresAt: new Date(Date.now() + 60_000),
    });
    expect(await engine.observations.liveAmong([executionId])).toEqual(new Set([executionId]));
    const { workerId } = await startExchange(token, body());
    const worker = await engine.worker(1, workerId, [], executionId);
    await engine.loops.hooks.tick(Date.now());
    expect(worker.grants()[0]?.run.failureHook).toMatchObject({ status: "SYSTEM_FAILURE" });
  });
});
