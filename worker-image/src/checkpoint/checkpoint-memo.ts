import type { AttemptRef } from "../process-messages.ts";

/** An output file of a stored process, and how far it was read: the next runner goes on there. */
export interface StoredOutput {
  path: string;
  offset: number;
}

/**
 * What a runner leaves to the one that brings its process back: a StoredCheckpoint's `memo`. The platform keeps it and does not
 * look inside. No secret stands in it.
 */
export interface CheckpointMemo {
  version: 1;
  /** The ids of the process and of its threads begin here; they must be free. */
  pid: number;
  /** With which the process calls in, and where. */
  key: string;
  socket: string;
  /** The file that lets a stored process connect again. */
  until: string;
  /** Folders that the archive has entries of, absolute; nothing else is to be unpacked. */
  carried: string[];
  /** CRIU's images, below one of them. */
  imagesDir: string;
  stdout: StoredOutput;
  stderr: StoredOutput;
  /** The process's monotonic clock when it was stopped, in nanoseconds, and the wall clock, in milliseconds. */
  clock: { file: string; monotonicNs: string; wallMs: number };
  /** The attempt, as the process knows it. */
  from: AttemptRef;
}

const VERSION = 1;

export function encodeMemo(memo: Omit<CheckpointMemo, "version">): string {
  return JSON.stringify({ version: VERSION, ...memo });
}

/** Errors: a memo of another version of the runner. */
export function decodeMemo(text: string): CheckpointMemo {
  const memo = JSON.parse(text) as CheckpointMemo;
  if (memo.version !== VERSION)
    throw new Error(`the process was stored by a runner of another version (memo ${memo.version}, not ${VERSION})`);
  return memo;
}
