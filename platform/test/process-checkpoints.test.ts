import { CHECKPOINT_CHUNK_BYTES, DEFAULT_LIMITS, type Grant } from "@gantry/sdk/contract";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { decodeId } from "../src/ids.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { digestOf, FEATURES, LINE, refOf, type ScriptedRunner, storedProcess } from "./support/scripted-runner.ts";
import { STORING, storedScene } from "./support/stored-scene.ts";

const { platform, prod, key, url } = await startRealPlatform({ settings: STORING });
const scene = storedScene({ pool: platform.pool, url: () => url, key, environment: prod });
afterEach(scene.endAll);

interface Begun {
  runId: string;
  runner: ScriptedRunner;
  grant: Grant;
  token: Awaited<ReturnType<typeof scene.token>>;
}

/** A run that waits for a token, with a worker that may store its process. */
async function waiting(): Promise<Begun> {
  const runId = await scene.trigger();
  const runner = await scene.launch(runId);
  const grant = await runner.granted();
  const token = await scene.token();
  expect(await runner.journal(grant, 0, [token.wait])).toMatchObject({
    journal: { state: "RUNNING", completions: [] },
  });
  return { runId, runner, grant, token };
}

async function staged({ runner, grant }: Begun, sizes?: number[]) {
  const { checkpoint } = await runner.ask("checkpoint", refOf(grant));
  if (checkpoint === undefined) throw new Error("no checkpoint was begun");
  const stored = storedProcess(checkpoint.checkpointId, sizes);
  await runner.putChunks(checkpoint.checkpointId, stored.chunks);
  return { ...stored, begun: checkpoint };
}

/** A run whose process is stored. */
async function stored(ifLost?: object) {
  const begun = await waiting();
  const process = await staged(begun);
  const { park } = await begun.runner.park(begun.grant, 0, process.checkpoint, ifLost);
  expect(park?.state).toBe("SUSPENDED");
  begun.runner.end();
  return { ...begun, ...process };
}

/** The next worker of the run, and what it was granted. */
async function next(runId: string) {
  const runner = await scene.launch(runId);
  return { runner, grant: await runner.granted() };
}

/** Its lease is over, whatever it says. */
async function lose({ executionId }: Grant): Promise<void> {
  await scene.pool.query("update execution set lease_expires_at = now() - interval '1 s' where id = $1", [executionId]);
}

describe("a process that is stored", () => {
  test("goes on in another worker, with what came meanwhile, and its run ends", async () => {
    const begun = await waiting();
    const { chunks, checkpoint, begun: granted } = await staged(begun);
    expect(Buffer.from(granted.key, "base64")).toHaveLength(32);
    expect(granted.maxStoredBytes).toBe(268_435_456);
    expect(await begun.runner.park(begun.grant, 0, checkpoint)).toMatchObject({ park: { state: "SUSPENDED" } });
    expect(await scene.count("execution where run_id = $1", decodeId("run", begun.runId))).toBe(0);
    expect(await scene.count("slot where run_id = $1", decodeId("run", begun.runId))).toBe(0);
    begun.runner.end();

    await begun.token.complete("approved");
    const { runner, grant } = await next(begun.runId);
    expect(grant).not.toHaveProperty("journal");
    expect(grant.attempt).toBe(1);
    const { dumpMs: _, storeMs: __, ...described } = checkpoint;
    expect(grant.restore).toEqual({ ...described, known: 0, key: granted.key });
    expect(digestOf(await runner.getChunks(checkpoint))).toBe(digestOf(chunks));
    expect(await runner.restored(grant)).toMatchObject({ restored: { granted: true } });
    const { journal } = await runner.journal(grant, 0);
    expect(journal).toMatchObject({ state: "RUNNING", completions: [{ entry: 0, ok: true, value: '"approved"' }] });
    expect(await runner.complete(grant)).toMatchObject({ verdict: { kind: "done", status: "COMPLETED" } });
    expect(await scene.run(begun.runId)).toMatchObject({ status: "COMPLETED", output: "done", attemptCount: 1 });
  });

  test("is shown with its run while that waits, and not after", async () => {
    const { runId, checkpoint, token } = await stored();
    const run = await scene.run(runId);
    expect(run).toMatchObject({
      status: "WAITING",
      checkpoint: {
        mode: "process",
        reason: "PROCESS_MODE",
        storedBytes: checkpoint.storedBytes,
        bytes: checkpoint.bytes,
        node: "n1",
        failures: 0,
        frees: "small-1x",
      },
    });
    expect(Math.abs(Date.parse(run.checkpoint?.parkedAt ?? "") - Date.now())).toBeLessThan(10_000);
    await token.complete();
    const { runner, grant } = await next(runId);
    expect(await scene.run(runId)).not.toHaveProperty("checkpoint");
    await runner.restored(grant);
    await runner.complete(grant);
  });

  test("is deleted once it went on, or its run was canceled", async () => {
    const [gone, canceled] = [await stored(), await stored()];
    await scene.call("POST", `/api/v2/runs/${canceled.runId}/cancel`);
    await gone.token.complete();
    const { runner, grant } = await next(gone.runId);
    await runner.restored(grant);
    platform.engine.loops.wake("checkpoints");
    await expect
      .poll(() =>
        scene.count(
          "checkpoint_chunk where checkpoint_id = any ($1)",
          [gone, canceled].map((one) => one.checkpoint.checkpointId),
        ),
      )
      .toBe(0);
    await runner.complete(grant);
  });

  test("waits again and again: each time is another checkpoint", async () => {
    const { runId, token } = await stored();
    await token.complete();
    const { runner, grant } = await next(runId);
    await runner.restored(grant);
    const second = await scene.token();
    const known = (await runner.journal(grant, 0)).journal?.completions[0]?.seq ?? 0;
    await runner.journal(grant, known, [{ ...second.wait, entry: 1, key: "wait-1", after: known }]);
    const begun = await runner.ask("checkpoint", refOf(grant));
    const again = storedProcess(begun.checkpoint?.checkpointId ?? "");
    await runner.putChunks(again.checkpoint.checkpointId, again.chunks);
    expect(await runner.park(grant, known, again.checkpoint)).toMatchObject({ park: { state: "SUSPENDED" } });
    await second.complete();
    const last = await next(runId);
    expect(last.grant.restore).toMatchObject({ known, checkpointId: again.checkpoint.checkpointId });
    await last.runner.restored(last.grant);
    await last.runner.complete(last.grant);
    expect(await scene.run(runId)).toMatchObject({ status: "COMPLETED", attemptCount: 1 });
  });
});

describe("storing", () => {
  test("goes on in place where something has come meanwhile", async () => {
    const begun = await waiting();
    const { checkpoint } = await staged(begun);
    await begun.token.complete();
    const { park } = await begun.runner.park(begun.grant, 0, checkpoint);
    expect(park).toMatchObject({ state: "RUNNING", completions: [{ entry: 0, ok: true }] });
    await begun.runner.complete(begun.grant);
    expect(await scene.run(begun.runId)).toMatchObject({ status: "COMPLETED" });
  });

  test("whose answer was lost is asked for again: the worker learns that it is over", async () => {
    const begun = await waiting();
    const { checkpoint } = await staged(begun);
    const answer = begun.runner.park(begun.grant, 0, checkpoint);
    await expect.poll(async () => (await scene.run(begun.runId)).status).toBe("WAITING");
    begun.runner.drop();
    const first = await answer;
    // Answered before the cut, or on the next connection: never that it may go on.
    expect(first.park?.state ?? first.error?.code).toMatch(/^(SUSPENDED|EXECUTION_FENCED)$/);
    expect(await begun.runner.park(begun.grant, 0, checkpoint)).toMatchObject({ error: { code: "EXECUTION_FENCED" } });
    await begun.runner.until(() => begun.runner.fenced.has(begun.grant.executionId) || undefined);
  });

  test("is nobody's with a stale fence", async () => {
    const begun = await waiting();
    const { checkpoint } = await staged(begun);
    const stale = { ...begun.grant, fence: "1" };
    expect(await begun.runner.ask("checkpoint", refOf(stale))).toMatchObject({ error: { code: "EXECUTION_FENCED" } });
    expect(await begun.runner.park(stale, 0, checkpoint)).toMatchObject({ error: { code: "EXECUTION_FENCED" } });
    expect(await begun.runner.park(begun.grant, 0, checkpoint)).toMatchObject({ park: { state: "SUSPENDED" } });
  });

  test.each([
    ["lacks a chunk", { chunks: 4 }],
    ["has other bytes than were named", { storedBytes: 12 }],
  ])("is refused where it %s, and the run is as before", async (_what, over) => {
    const begun = await waiting();
    const { checkpoint } = await staged(begun);
    const refused = await begun.runner.park(begun.grant, 0, { ...checkpoint, ...over });
    expect(refused).toMatchObject({ error: { code: "CHECKPOINT_INCOMPLETE", retryable: false } });
    expect((await scene.run(begun.runId)).status).toBe("EXECUTING");
    await begun.runner.complete(begun.grant);
  });

  test("is refused beyond the limit of the run, and of the environment", async () => {
    const begun = await waiting();
    const { checkpoint } = await staged(begun);
    const { checkpointBytes, environmentCheckpointBytes } = DEFAULT_LIMITS;
    onTestFinished(() => platform.projects.setLimits(prod, { checkpointBytes, environmentCheckpointBytes }));
    await platform.projects.setLimits(prod, { checkpointBytes: 1000 });
    const large = await begun.runner.park(begun.grant, 0, checkpoint);
    expect(large.error).toMatchObject({ code: "LIMIT_EXCEEDED", message: expect.stringContaining("checkpointBytes") });
    await platform.projects.setLimits(prod, { checkpointBytes, environmentCheckpointBytes: 1000 });
    const full = await begun.runner.park(begun.grant, 0, checkpoint);
    expect(full.error?.message).toContain("environmentCheckpointBytes");
    const another = await begun.runner.ask("checkpoint", refOf(begun.grant));
    expect(another.error).toMatchObject({ code: "LIMIT_EXCEEDED", retryable: false });
    await begun.runner.complete(begun.grant);
  });

  test("its limit is listed with what is used of it", async () => {
    const used = async () => {
      const { body } = await scene.call("GET", "/api/v1/limits/usage");
      const limits = (body as unknown as { limits: { name: string; used: number }[] }).limits;
      return limits.find(({ name }) => name === "environmentCheckpointBytes")?.used ?? -1;
    };
    const before = await used();
    const { checkpoint } = await stored();
    expect((await used()) - before).toBe(checkpoint.storedBytes);
  });
});

describe("chunks", () => {
  test("may be sent again, and stay what they were", async () => {
    const begun = await waiting();
    const { chunks, checkpoint } = await staged(begun);
    expect((await begun.runner.chunk("PUT", checkpoint.checkpointId, 0, chunks[0])).status).toBe(200);
    expect(await begun.runner.park(begun.grant, 0, checkpoint)).toMatchObject({ park: { state: "SUSPENDED" } });
    const late = await begun.runner.chunk("PUT", checkpoint.checkpointId, 0, Buffer.from("other"));
    expect([late.status, ((await late.json()) as { code: string }).code]).toEqual([409, "CHECKPOINT_SPENT"]);
  });

  test("are put and got by their own worker alone", async () => {
    const [mine, other] = [await waiting(), await stored()];
    const { checkpointId } = other.checkpoint;
    expect((await mine.runner.chunk("PUT", checkpointId, 0, Buffer.from("x"))).status).toBe(409);
    expect((await mine.runner.chunk("GET", checkpointId, 0)).status).toBe(404);
    // Its own former worker neither: it has left.
    expect((await other.runner.chunk("GET", checkpointId, 0)).status).toBe(404);
    await mine.runner.complete(mine.grant);
  });

  test("end where the run's largest process would", async () => {
    const begun = await waiting();
    const { checkpointId } = (await begun.runner.ask("checkpoint", refOf(begun.grant))).checkpoint ?? {};
    const last = 268_435_456 / CHECKPOINT_CHUNK_BYTES - 1;
    expect((await begun.runner.chunk("PUT", checkpointId ?? "", last, Buffer.from("x"))).status).toBe(200);
    const beyond = await begun.runner.chunk("PUT", checkpointId ?? "", last + 1, Buffer.from("x"));
    expect([beyond.status, ((await beyond.json()) as { code: string }).code]).toEqual([413, "LIMIT_EXCEEDED"]);
    await begun.runner.complete(begun.grant);
  });
});

describe("bringing back", () => {
  test("is granted to one of two executions, and again to the same", async () => {
    const { runId, token } = await stored();
    await token.complete();
    const first = await next(runId);
    await lose(first.grant);
    const second = await next(runId);
    expect(second.grant.restore?.checkpointId).toBe(first.grant.restore?.checkpointId);
    const [late, granted] = await Promise.all([
      first.runner.restored(first.grant),
      second.runner.restored(second.grant),
    ]);
    expect(late).toMatchObject({ error: { code: "EXECUTION_FENCED" } });
    expect(granted).toMatchObject({ restored: { granted: true } });
    expect(await second.runner.restored(second.grant)).toMatchObject({ restored: { granted: true } });
    await second.runner.complete(second.grant);
    expect(await scene.run(runId)).toMatchObject({ status: "COMPLETED", attemptCount: 1 });
  });

  test("is granted once: after it a lost worker's run begins anew", async () => {
    const { runId, token } = await stored();
    await token.complete();
    const first = await next(runId);
    await first.runner.restored(first.grant);
    await lose(first.grant);
    const second = await next(runId);
    expect(second.grant).not.toHaveProperty("restore");
    expect(second.grant.journal?.entries).toHaveLength(1);
    const spent = await second.runner.ask("restored", {
      ...refOf(second.grant),
      checkpointId: first.grant.restore?.checkpointId,
      fetchMs: 1,
      restoreMs: 1,
    });
    expect(spent).toMatchObject({ error: { code: "CHECKPOINT_SPENT" } });
    await second.runner.complete(second.grant);
  });

  /** Workers of a run that cannot bring it back, one after another, each on a node of its own. */
  async function failing(runId: string, times: number): Promise<void> {
    for (let n = 1; n <= times; n++) {
      const { runner, grant } = await next(runId);
      expect(grant.restore).toBeDefined();
      const reason = `no AVX-512 (try ${n}).`;
      const answer = await runner.complete(grant, { kind: "notRestored", reason, node: `n${n}` });
      expect(answer.verdict).toMatchObject({ kind: "done" });
      if (n < 3) expect((await scene.run(runId)).checkpoint).toMatchObject({ mode: "process", failures: n });
      runner.end();
    }
  }

  test("that fails is tried elsewhere, then fails the run, and says why, where, and what forbids a replay", async () => {
    const { runId, token } = await stored();
    await token.complete();
    await failing(runId, 3);
    const run = await scene.ended(runId);
    expect(run).toMatchObject({ status: "SYSTEM_FAILURE", error: { code: "RESTORE_FAILED" } });
    for (const part of ["node n3", "no AVX-512 (try 3)", LINE]) expect(run.error?.message).toContain(part);
    expect(run.attempts).toHaveLength(3);
    expect(await scene.count("checkpoint where run_id = $1 and state = 'stored'", decodeId("run", runId))).toBe(0);
  });

  test.each(["replay", "restart"])("that fails everywhere is a new start where that is allowed: %s", async (then) => {
    const { runId, token } = await stored({ then });
    await token.complete();
    await failing(runId, 3);
    const { runner, grant } = await next(runId);
    expect(grant).not.toHaveProperty("restore");
    expect(grant.journal?.entries[0]).toMatchObject({ entry: 0, completion: { ok: true } });
    expect(grant.attempt).toBe(1);
    await runner.complete(grant);
    expect(await scene.run(runId)).toMatchObject({ status: "COMPLETED", attemptCount: 1 });
  });

  test("is not waited for where no node may have it", async () => {
    const { runId, token } = await stored();
    await token.complete();
    for (let n = 0; n < 3; n++) {
      const { executionId } = await scene.awaited(runId);
      const message = "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity.";
      await platform.engine.observations.observed(executionId, { then: "requeue", code: "NO_NODE_RESTORES", message });
    }
    const run = await scene.ended(runId);
    expect(run).toMatchObject({ status: "SYSTEM_FAILURE", error: { code: "RESTORE_FAILED" } });
    for (const part of ["0/3 nodes", LINE]) expect(run.error?.message).toContain(part);
  });

  test.each(["replay", "fail"])("waits where it is switched off, unless the run can do without: %s", async (then) => {
    const { runId, token } = await stored({ then });
    await token.complete();
    const { executionId } = await scene.awaited(runId);
    const off = { then: "requeue", code: "CHECKPOINTS_OFF", message: "They are switched off." } as const;
    await platform.engine.observations.observed(executionId, off);
    const restores = "run where id = $1 and status = 'DELAYED' and checkpoint_id is not null";
    expect(await scene.count(restores, decodeId("run", runId))).toBe(then === "fail" ? 1 : 0);
    await scene.call("POST", `/api/v2/runs/${runId}/cancel`);
  });

  test("does not go on with a byte that was changed", async () => {
    const { runId, token, checkpoint } = await stored();
    await scene.pool.query(
      "update checkpoint_chunk set data = set_byte(data, 100, get_byte(data, 100) # 1) where checkpoint_id = $1 and number = 1",
      [checkpoint.checkpointId],
    );
    await token.complete();
    const { runner, grant } = await next(runId);
    expect(digestOf(await runner.getChunks(checkpoint))).not.toBe(grant.restore?.sha256);
    await runner.complete(grant, { kind: "notRestored", reason: "its digest is another", node: "n1" });
    const again = await next(runId);
    expect(again.grant.restore?.checkpointId).toBe(checkpoint.checkpointId);
    const nodes = await platform.pool.query("select failures, refused_nodes from checkpoint where id = $1", [
      checkpoint.checkpointId,
    ]);
    expect(nodes.rows).toEqual([{ failures: 1, refused_nodes: ["n1"] }]);
  });
});

describe("nodes", () => {
  test("are known by what workers found out on them", async () => {
    const begun = await waiting();
    begun.runner.say({ type: "node", features: FEATURES, works: true });
    begun.runner.say({ type: "node", features: { ...FEATURES, node: "n2" }, works: false, reason: "no CRIU here" });
    const view = async () => (await scene.call("GET", "/api/v1/cluster")).body.checkpoints as { nodes: unknown[] };
    await expect.poll(async () => (await view()).nodes.length).toBe(2);
    expect(await view()).toMatchObject({
      isEnabled: true,
      nodes: [
        { name: "n1", works: true, reason: null, arch: "x64", kernel: "6.18.44" },
        { name: "n2", works: false, reason: "no CRIU here" },
      ],
    });
    await begun.runner.complete(begun.grant);
  });
});

test("metrics tell how many were stored and went on, how long it took, and what failed", async () => {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split("\n");
  const body = lines.filter((line) => line.startsWith("gantry_checkpoint")).join("\n");
  for (const line of [
    /^gantry_checkpoints_stored_total [1-9]/m,
    /^gantry_checkpoints_restored_total [1-9]/m,
    /^gantry_checkpoint_step_seconds_count\{step="dump"\} [1-9]/m,
    /^gantry_checkpoint_step_seconds_count\{step="restore"\} [1-9]/m,
    /^gantry_checkpoint_failures_total\{step="restore",reason="RESTORE_FAILED"\} [1-9]/m,
    /^gantry_checkpoint_failures_total\{step="restore",reason="RESTORE_ELSEWHERE"\} [1-9]/m,
    /^gantry_checkpoints \d/m,
    /^gantry_checkpoint_chunks_waiting\{method="put"\} 0$/m,
  ])
    expect(body).toMatch(line);
});
