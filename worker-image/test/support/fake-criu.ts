import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Criu, CriuError } from "../../src/checkpoint/criu.ts";
import { isStopped } from "./stopped-process.ts";

/** Stops processes as CRIU does, and writes a file in place of their memory. */
export class FakeCriu implements Criu {
  dumps = 0;
  /** What is in place of its memory. */
  pages: () => Buffer = () => Buffer.alloc(3_000_000, "memory");
  /** Called with the process that is stopped, before the dump is over. */
  whileDumping: (pid: number) => unknown = () => undefined;

  async dump(pid: number, dir: string): Promise<void> {
    this.dumps += 1;
    await mkdir(dir, { recursive: true });
    process.kill(pid, "SIGSTOP");
    await isStopped(pid);
    await writeFile(join(dir, "pages.img"), this.pages());
    await this.whileDumping(pid);
  }

  restore(): Promise<never> {
    return Promise.reject(new CriuError("nothing is brought back here"));
  }
}
