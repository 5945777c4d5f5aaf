import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { signalPid } from "../signal-pid.ts";
import type { Criu } from "./criu.ts";
import { spawnTaskParent, taskPid } from "./task-parent.ts";

/** What is stored and restored: a program of every image, with one thread. */
const PROGRAM = "/bin/sleep";
const PROGRAM_ARGUMENTS = ["600"];

/**
 * Stores a tiny process, ends it, restores it and ends it again: whether this container may do so on this node. What it returns is
 * why not; undefined where all went well. `dir`: where it may write.
 */
export async function selfTest(criuDir: string, criu: Criu, dir: string): Promise<string | undefined> {
  const own = await mkdtemp(join(dir, "self-test-"));
  let pid: number | undefined;
  try {
    const parent = spawnTaskParent(
      criuDir,
      { run: PROGRAM, arguments: PROGRAM_ARGUMENTS },
      { output: ["ignore", "ignore"] },
    );
    const ended = once(parent, "exit");
    pid = await Promise.race([taskPid(parent), ended.then(() => undefined)]);
    if (pid === undefined) return `task-parent could not start a process: ${String((await ended)[0])}`;
    await criu.dump(pid, own);
    signalPid(pid);
    await ended;
    const restored = await criu.restore(pid, own);
    const endedAgain = once(restored, "exit");
    signalPid(pid);
    await endedAgain;
    return undefined;
  } catch (error) {
    if (pid !== undefined) signalPid(pid);
    return (error as Error).message;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}
