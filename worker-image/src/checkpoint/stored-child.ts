import type { TaskChild } from "../task-child.ts";
import { type ConnectionPause, within } from "./connection-pause.ts";
import type { StoredProcess } from "./process-checkpoint.ts";

/** A process that waits is quiet: it closes its connection within milliseconds. */
const CLOSES_WITHIN_MS = 5_000;
/** After it was stopped and is to go on: a machine may be busy, a process that was dumped half-way may be broken. */
const RETURNS_WITHIN_MS = 60_000;

/** The task process, as a checkpoint of it sees it. `readAll` reads its output to the end. */
export function storedChild(child: TaskChild, readAll: () => Promise<void>): StoredProcess {
  let pause: ConnectionPause | undefined;
  return {
    get pid() {
      return child.hasEnded ? undefined : child.pid;
    },
    key: child.key,
    socket: child.socket,
    async quiesce(until) {
      pause = child.pauseConnection(until);
      await within(pause.closed, CLOSES_WITHIN_MS, "its process did not come to rest");
    },
    async returned() {
      if (!pause) return;
      // One that has not heard of it yet computes; it will find that it may go on.
      if (!pause.isClosed) await pause.closed;
      await within(pause.back, RETURNS_WITHIN_MS, "it did not go on after a checkpoint that failed");
    },
    async takeOutput() {
      await readAll();
      const [stdout, stderr] = await Promise.all([child.stdout.leave(), child.stderr.leave()]);
      return { stdout, stderr };
    },
    giveUp(why) {
      // One that has ended did so by itself: that is how its attempt ended.
      if (!child.hasEnded) child.killNow({ by: "checkpoint", why });
    },
  };
}
