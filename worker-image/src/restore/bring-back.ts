import type { ChildProcess } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type NodeFeatures, type RestoreGrant, whyNotRestorableOn } from "@gantry/sdk/contract";
import { type CheckpointMemo, decodeMemo } from "../checkpoint/checkpoint-memo.ts";
import { writeClockOffset } from "../checkpoint/clock-file.ts";
import type { Criu } from "../checkpoint/criu.ts";
import { signalPid } from "../signal-pid.ts";
import type { GetChunk } from "./chunk-fetch.ts";
import { clockOffset } from "./clock-offset-policy.ts";
import { FetchedChunks } from "./unpack.ts";

/** What this runner and its node offer to a process that is brought back. */
export interface RestoreGround {
  criu: Criu;
  features(): Promise<NodeFeatures>;
  chunks(checkpointId: string): GetChunk;
  /** Folders below which a checkpoint may have files, absolute. */
  folders: readonly string[];
  /** Has the process's socket listened on, where it is not this runner's already. */
  listenAt(path: string): Promise<void>;
}

/** A process that is there again, stopped. */
export interface BroughtBack {
  memo: CheckpointMemo;
  parent: ChildProcess;
  /** Milliseconds. */
  fetchMs: number;
  restoreMs: number;
}

/**
 * Fetches a stored process, unpacks it, and has CRIU make it, stopped: none of its code runs.
 *
 * Errors: whatever is in the way, for people; nothing of the process is left then. The signal's reason.
 */
export async function bringBack(
  restore: RestoreGrant,
  ground: RestoreGround,
  signal: AbortSignal,
): Promise<BroughtBack> {
  const memo = checkedMemo(restore.memo, ground.folders);
  const refused = whyNotRestorableOn(restore.features, await ground.features());
  if (refused !== undefined) throw new Error(refused);
  const beganAt = performance.now();
  await ground.listenAt(memo.socket);
  const chunks = ground.chunks(restore.checkpointId);
  const fetched = await FetchedChunks.fetch(restore, chunks, dirname(memo.socket), signal);
  const fetchedAt = performance.now();
  try {
    await fetched.unpack(memo.carried, signal);
  } finally {
    await fetched.close();
  }
  const parent = await make(memo, ground.criu, signal);
  return { memo, parent, fetchMs: fetchedAt - beganAt, restoreMs: performance.now() - fetchedAt };
}

async function make(memo: CheckpointMemo, criu: Criu, signal: AbortSignal): Promise<ChildProcess> {
  const { pid, imagesDir, until, clock } = memo;
  // It appears when the process may go on, and not before.
  await Promise.all([rm(until, { force: true }), mkdir(dirname(clock.file), { recursive: true })]);
  const here = { monotonicNs: process.hrtime.bigint(), wallMs: Date.now() };
  const stored = { monotonicNs: BigInt(clock.monotonicNs), wallMs: clock.wallMs };
  await writeClockOffset(clock.file, clockOffset(stored, here));
  signal.throwIfAborted();
  const parent = await criu.restore(pid, imagesDir);
  if (!signal.aborted) return parent;
  // A stopped process hears of nothing else.
  signalPid(pid);
  throw signal.reason;
}

/** Errors: a memo that leads elsewhere than to where a checkpoint's files may be. Pure. */
export function checkedMemo(text: string, folders: readonly string[]): CheckpointMemo {
  const memo = decodeMemo(text);
  const { carried, imagesDir, until, socket, clock, stdout, stderr, pid } = memo;
  const isBelow = (path: string, allowed: readonly string[]) =>
    allowed.some((folder) => path === folder || path.startsWith(`${folder}/`));
  const stray = [
    ...carried.filter((path) => !isBelow(path, folders)),
    ...[until, socket, clock.file].filter((path) => !isBelow(path, folders)),
    ...[imagesDir, stdout.path, stderr.path].filter((path) => !isBelow(path, carried)),
    ...[...carried, imagesDir, until, socket, clock.file, stdout.path, stderr.path].filter((path) =>
      path.split("/").includes(".."),
    ),
  ];
  if (stray.length > 0)
    throw new Error(`the stored process needs ${stray[0]}, which is not in a folder that it may have`);
  if (!Number.isSafeInteger(pid) || pid < 2) throw new Error(`the stored process has no id: ${pid}`);
  return memo;
}
