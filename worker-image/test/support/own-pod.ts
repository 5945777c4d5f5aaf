import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { chmod, copyFile, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { buildTaskProgram, type TaskProgram } from "./task-program.ts";

export const CRIU_DIR = "/gantry/criu";

/** Why no process can be stored on this machine; undefined where one can. */
export function whyNoPods(): string | undefined {
  if (process.platform !== "linux") return "this is not Linux";
  if (process.getuid?.() !== 0) return "only root may make a pod's namespaces";
  if (import.meta.dirname.startsWith("/tmp/")) return "this checkout is below /tmp, which a pod has of its own";
  try {
    accessSync(join(CRIU_DIR, "criu"), constants.X_OK);
    accessSync(join(CRIU_DIR, "task-parent"), constants.X_OK);
    return undefined;
  } catch {
    return `there is no CRIU in ${CRIU_DIR}`;
  }
}

/** Ids and mounts of its own; what a pod can write to is empty at first. Then user 1000, with what the image's CRIU needs. */
const ENTER = `
mount -t tmpfs -o mode=1777 tmpfs /tmp &&
mount -t tmpfs -o mode=0700,uid=1000,gid=1000 tmpfs "$1" &&
shift &&
exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all \
  --bounding-set=-all,+checkpoint_restore,+setpcap "$@"`;

/** An image with the runner, the task process and a bundle of `source`, for pods on this machine. */
export class OwnImage {
  readonly dir: string;
  readonly #program: TaskProgram;

  private constructor(dir: string, program: TaskProgram) {
    this.dir = dir;
    this.#program = program;
  }

  static async make(source: string): Promise<OwnImage> {
    // Not below /tmp: a pod has its own.
    const dir = await mkdtemp("/run/gantry-image-");
    await chmod(dir, 0o755);
    const program = await buildTaskProgram(dir, source);
    // Node may lie where user 1000 cannot look.
    await copyFile(process.execPath, join(dir, "node"), constants.COPYFILE_FICLONE);
    await mkdir(join(dir, "runs"));
    return new OwnImage(dir, program);
  }

  /** Starts the runner as a Job's container does. */
  start(url: string, env: Record<string, string> = {}): OwnPod {
    const { dir } = this;
    const runs = join(dir, "runs");
    const { runnerFile, programFile } = this.#program;
    const words = ["--pid", "--fork", "--kill-child", "--mount-proc", "--mount", "sh", "-c", ENTER, "enter", runs];
    const child = spawn("unshare", [...words, join(dir, "node"), runnerFile], {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
        GANTRY_WORKER_URL: url,
        GANTRY_WORKER_BOOTSTRAP_TOKEN: "bootstrap-token",
        GANTRY_WORKER_MACHINE: "small-1x:0.5:0.5",
        GANTRY_WORKER_CHECKPOINTS: "true",
        GANTRY_WORKER_NODE: "node-here",
        GANTRY_WORKER_TASK_PROCESS: programFile,
        GANTRY_BUNDLE_DIR: dir,
        GANTRY_BUNDLE_ENTRY: "entry.mjs",
        GANTRY_RUNS_DIR: runs,
        ...env,
      },
    });
    return new OwnPod(child);
  }

  remove(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true });
  }
}

/** A runner and what it starts, in namespaces of their own. */
export class OwnPod {
  readonly exited: Promise<{ code: number | null; signal: string | null }>;
  readonly #child: ChildProcess;
  output = "";

  constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (data) => (this.output += String(data)));
    this.exited = once(child, "exit").then(([code, signal]) => ({ code, signal }));
  }

  /** As a kubelet does after the grace: every process in it is killed. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.exited;
  }
}
