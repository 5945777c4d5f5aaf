import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

/** The root is the folder, and what a pod has of /proc and /dev is there. Then user 1000, who can get the two capabilities alone. */
const ENTER = `
set -e
mount --bind "$1" "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
cd "$1"
mkdir -p .outside
pivot_root . .outside
cd /
umount -l /.outside
exec setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps=-all \
  --bounding-set=-all,+checkpoint_restore,+setpcap bash --norc`;

const END = "=== end";

/**
 * A pod on this machine, without a cluster: processes, mounts and clock of its own, in a folder with an image's files. Its clock
 * is `aheadS` seconds ahead of the machine's; what no cluster of one node has.
 */
export class HostPod {
  readonly #shell: ChildProcessWithoutNullStreams;
  readonly #said: AsyncIterator<string>;

  constructor(root: string, aheadS: number) {
    const clock = ["--time", `--monotonic=${aheadS}`, `--boottime=${aheadS}`];
    const own = [...clock, "--pid", "--fork", "--kill-child", "--mount"];
    this.#shell = spawn("unshare", [...own, "sh", "-c", ENTER, "enter", root], {
      env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    this.#said = createInterface({ input: this.#shell.stdout })[Symbol.asyncIterator]();
    this.#shell.stderr.pipe(process.stderr);
  }

  /** What a script printed, errors included. It may leave processes behind. Errors: it failed; the pod is gone. */
  async run(script: string): Promise<string> {
    this.#shell.stdin.write(`{ ${script}\n} 2>&1; printf '\\n${END} %d\\n' $?\n`);
    const lines: string[] = [];
    for (;;) {
      const { value, done } = await this.#said.next();
      if (done) throw new Error(`the pod is gone: ${lines.join("\n")}`);
      if (!value.startsWith(END)) {
        lines.push(value);
        continue;
      }
      const said = lines.join("\n").trim();
      if (value !== `${END} 0`) throw new Error(`${value.slice(END.length)}: ${said}`);
      return said;
    }
  }

  /** Every process in it is killed. */
  async close(): Promise<void> {
    if (this.#shell.exitCode !== null || this.#shell.signalCode !== null) return;
    const gone = once(this.#shell, "exit");
    this.#shell.stdin.end("exit\n");
    await gone;
  }
}
