import { mkdirSync, rmdirSync, writeFileSync } from "node:fs";

const V1 = "/sys/fs/cgroup/memory";
const V2 = "/sys/fs/cgroup";
let count = 0;

/** A group of processes that the kernel holds to `bytes`, as a container is. Needs the right to make one. */
export class MemoryCgroup {
  readonly #dir: string;

  private constructor(dir: string) {
    this.#dir = dir;
  }

  /** Undefined where this machine does not let us. */
  static make(bytes: number): MemoryCgroup | undefined {
    const name = `gantry-test-${process.pid}-${count++}`;
    for (const [base, limit] of [
      [V1, "memory.limit_in_bytes"],
      [V2, "memory.max"],
    ] as const) {
      try {
        mkdirSync(`${base}/${name}`);
        writeFileSync(`${base}/${name}/${limit}`, String(bytes));
        return new MemoryCgroup(`${base}/${name}`);
      } catch {
        remove(`${base}/${name}`);
      }
    }
    return undefined;
  }

  static get isPossible(): boolean {
    const group = MemoryCgroup.make(1e9);
    group?.remove();
    return group !== undefined;
  }

  /** From now on the process, and what it will start, belong to the group. */
  add(pid: number): void {
    writeFileSync(`${this.#dir}/cgroup.procs`, String(pid));
  }

  remove(): void {
    remove(this.#dir);
  }
}

function remove(dir: string): void {
  try {
    rmdirSync(dir);
  } catch {
    // It was not made, or something is in it that is just ending: an empty group without a process costs nothing.
  }
}
