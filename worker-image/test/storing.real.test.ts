/**
 * A real runner stores a real process with the real CRIU: where /gantry/criu is (worker-image/Dockerfile.checkpoints puts it
 * there) and this is root, whom CRIU needs no more of. On a cluster: e2e/cluster/process-checkpoint*.test.ts.
 */
import { accessSync } from "node:fs";
import { zstdDecompressSync } from "node:zlib";
import { CHECKPOINT_CHUNK_BYTES } from "@gantry/sdk/contract";
import { afterEach, describe, expect, test } from "vitest";
import { decodeMemo } from "../src/checkpoint/checkpoint-memo.ts";
import { openChunk } from "../src/checkpoint/chunk-cipher.ts";
import { type FakePlatform, grantOf } from "./support/fake-platform.ts";
import { gone } from "./support/processes.ts";
import { RunnerProcess } from "./support/runner-process.ts";

const hasCriu = isThere("/gantry/criu/criu") && process.getuid?.() === 0;
let runner: RunnerProcess;
let platform: FakePlatform;
afterEach(() => runner?.stop());

const TASKS = `
  import { task } from "@gantry/sdk/task";
  import { spawn } from "node:child_process";
  import { writeFileSync } from "node:fs";
  import { DurableByHand } from "./test/support/durable-by-hand.ts";
  task({ id: "wait", run: async ({ child = false }: { child?: boolean }) => {
    const secret = "a secret in " + "memory";
    let ticks = 0;
    const timer = setInterval(() => ticks++, 50);
    const run = new DurableByHand();
    console.log("pid " + process.pid);
    writeFileSync(process.env.TMPDIR + "/of-its-own", secret);
    const started = child ? spawn("sleep", ["60"]) : undefined;
    const value = await run.wait("an answer");
    clearInterval(timer);
    started?.kill();
    return { value, secret, hasTicked: ticks > 0, pid: process.pid };
  } });
`;
const EXECUTION = "execution_pod";
const PROCESS = {
  mode: "process",
  process: true,
  holdMs: 5_000,
  strict: false,
  unchecked: false,
  onHoldLost: "fail",
} as const;

async function startRun(payload: object = {}, env: Record<string, string> = {}): Promise<number> {
  runner = await RunnerProcess.start(TASKS, {
    isPod: true,
    isStarted: false,
    env: { GANTRY_WORKER_CHECKPOINTS: "true", GANTRY_WORKER_NODE: "node-1", GANTRY_WORKER_CARRIED_DIRS: ":", ...env },
  });
  platform = runner.platform;
  runner.spawn();
  await platform.message("capacity");
  platform.grant(grantOf("wait", { executionId: EXECUTION, payload, checkpoint: PROCESS }));
  const { message } = await platform.event(EXECUTION, "pid ");
  return Number(message.split(" ")[1]);
}

describe.skipIf(!hasCriu)("a run that waits (only as root, with CRIU in /gantry/criu)", () => {
  test("has its process stored, and nothing of it is left", async () => {
    const pid = await startRun();
    const node = await platform.message("node");
    expect(node).toMatchObject({ works: true, features: { node: "node-1", arch: process.arch } });
    const park = await platform.message("park", (each) => each.mode === "process");
    await gone(pid);
    expect(await runner.exited).toEqual({ code: 0, signal: null });
    const { checkpoint } = park;
    if (!checkpoint) throw new Error("nothing was stored");
    expect(checkpoint.storedBytes).toBeLessThan(checkpoint.bytes / 2);
    expect(checkpoint.chunks).toBe(Math.ceil(checkpoint.storedBytes / CHECKPOINT_CHUNK_BYTES));
    const archive = stored(checkpoint);
    const memo = decodeMemo(checkpoint.memo);
    expect(memo).toMatchObject({ pid, from: { executionId: EXECUTION, attempt: 1 } });
    for (const name of ["of-its-own", `core-${pid}.img`, ".out"]) expect(archive.includes(name)).toBe(true);
    expect(archive.includes("a secret in memory")).toBe(true);
    expect([...platform.checkpoints.chunks.values()].some((chunk) => chunk.includes("a secret in memory"))).toBe(false);
  });
});

function stored({ checkpointId, chunks }: { checkpointId: string; chunks: number }): Buffer {
  const key = { checkpointId, key: platform.checkpoints.keyOf(checkpointId) };
  const sealed = Array.from(
    { length: chunks },
    (_, n) => platform.checkpoints.chunks.get(`${checkpointId}/${n}`) as Buffer,
  );
  return zstdDecompressSync(Buffer.concat(sealed.map((chunk, n) => openChunk(key, n, chunk))));
}

function isThere(path: string): boolean {
  try {
    accessSync(path);
    return true;
  } catch {
    return false;
  }
}
