import { expect, test } from "vitest";
import { digestOf, refOf, storedProcess } from "./support/scripted-runner.ts";
import { STORING, storedScene } from "./support/stored-scene.ts";
import { twoReplicas } from "./support/two-replicas.ts";

test("a worker may talk to one replica and send its chunks to another; the next worker comes to either", async () => {
  const { a, b, environment, key } = await twoReplicas(STORING);
  const scene = storedScene({ pool: a.pool, url: () => a.url, key, environment });
  const runId = await scene.trigger();
  const runner = await scene.launch(runId);
  const grant = await runner.granted();
  const token = await scene.token();
  await runner.journal(grant, 0, [token.wait]);
  const { checkpoint: begun } = await runner.ask("checkpoint", refOf(grant));
  const { chunks, checkpoint } = storedProcess(begun?.checkpointId ?? "");
  // As a Service sends each connection somewhere.
  const turns = [a.url, b.url];
  await Promise.all(
    chunks.map(async (chunk, number) => {
      const via = turns[number % 2] as string;
      expect((await runner.chunkVia(via, "PUT", checkpoint.checkpointId, number, chunk)).status).toBe(200);
    }),
  );
  expect(await runner.park(grant, 0, checkpoint)).toMatchObject({ park: { state: "SUSPENDED" } });
  runner.end();

  await token.complete("approved");
  const next = await scene.launch(runId, () => b.url);
  const again = await next.granted();
  const got = await Promise.all(
    chunks.map(async (_chunk, number) => {
      const response = await next.chunkVia(turns[(number + 1) % 2] as string, "GET", checkpoint.checkpointId, number);
      return Buffer.from(await response.arrayBuffer());
    }),
  );
  expect(digestOf(got)).toBe(again.restore?.sha256);
  expect(await next.restored(again)).toMatchObject({ restored: { granted: true } });
  // Its connection was cut, and it came to the other replica: the same answer.
  next.moveTo(() => a.url);
  expect(await next.restored(again)).toMatchObject({ restored: { granted: true } });
  expect(await next.journal(again, 0)).toMatchObject({ journal: { completions: [{ entry: 0, value: '"approved"' }] } });
  expect(await next.complete(again)).toMatchObject({ verdict: { kind: "done" } });
  expect(await scene.run(runId)).toMatchObject({ status: "COMPLETED", output: "done" });
  scene.endAll();
});

test("of two replicas that grant at the same moment one has it", async () => {
  const { a, b, environment, key } = await twoReplicas(STORING);
  const scene = storedScene({ pool: a.pool, url: () => a.url, key, environment });
  const runId = await scene.trigger();
  const runner = await scene.launch(runId);
  const grant = await runner.granted();
  const token = await scene.token();
  await runner.journal(grant, 0, [token.wait]);
  const { checkpoint: begun } = await runner.ask("checkpoint", refOf(grant));
  const { chunks, checkpoint } = storedProcess(begun?.checkpointId ?? "");
  await runner.putChunks(checkpoint.checkpointId, chunks);
  await runner.park(grant, 0, checkpoint);
  await token.complete();
  const first = await scene.launch(runId);
  const old = await first.granted();
  // Lost while it fetches, and back when its place has been taken.
  await a.pool.query("update execution set lease_expires_at = now() - interval '1 s' where id = $1", [old.executionId]);
  const second = await scene.launch(runId, () => b.url);
  const live = await second.granted();
  const [late, granted] = await Promise.all([first.restored(old), second.restored(live)]);
  expect(late).toMatchObject({ error: { code: "EXECUTION_FENCED" } });
  expect(granted).toMatchObject({ restored: { granted: true } });
  scene.endAll();
});
