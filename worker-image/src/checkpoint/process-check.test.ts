import { execFileSync, spawn } from "node:child_process";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lookAtProcess, type ProcessFindings, whyNotPackable, whyNotStorable } from "./process-check.ts";

const CARRIED = ["/run/gantry", "/tmp"];
const read = (target: string) => ({ open: [{ target, isWritable: false }] });
const written = (target: string) => ({ open: [{ target, isWritable: true }] });

describe("a process may be stored", () => {
  const cases: Record<string, [Partial<ProcessFindings>, string | undefined]> = {
    "with what it has in memory": [{}, undefined],
    "with sockets, pipes and timers": [read("socket:[12]"), undefined],
    "with the image's files open for reading": [read("/app/bundle/model.bin"), undefined],
    "with files of its own that are brought along": [written("/tmp/cache/a"), undefined],
    "with its output": [written("/run/gantry/abc.out"), undefined],
    "with /dev/null": [written("/dev/null"), undefined],
    "with memory that only looks like a deleted file": [
      { open: [{ target: "/memfd:wasm (deleted)", isWritable: true }], mapped: ["/dev/zero (deleted)"] },
      undefined,
    ],
    "but not with a child": [{ children: ["sleep 60"] }, "a process that it started is alive: sleep 60"],
    "but not with children": [
      { children: ["ffmpeg -i a", "sh"] },
      "a process that it started is alive: ffmpeg -i a and 1 more",
    ],
    "but not while it watches files": [read("anon_inode:inotify"), "it watches files (fs.watch)"],
    "but not with a file that was deleted": [
      written("/tmp/a (deleted)"),
      "it has a file open that was deleted: /tmp/a",
    ],
    "but not with a file of its own elsewhere": [
      written("/data/a"),
      "it has a file open for writing that is not below /run/gantry or /tmp: /data/a",
    ],
    "but not with a file beside a folder that is brought along": [
      written("/tmpfiles/a"),
      "it has a file open for writing that is not below /run/gantry or /tmp: /tmpfiles/a",
    ],
    "but not with a mapped file that was deleted": [
      { mapped: ["/tmp/a (deleted)"] },
      "it has memory that others can share: /tmp/a (deleted)",
    ],
    "but not with memory shared by System V's means": [
      { mapped: ["/SYSV00000000 (deleted)"] },
      "it has memory that others can share: /SYSV00000000 (deleted)",
    ],
  };
  test.each(Object.entries(cases))("%s", (_sentence, [found, want]) => {
    expect(whyNotStorable({ children: [], open: [], mapped: [], ...found }, CARRIED)).toBe(want);
  });
});

test.runIf(process.platform === "linux")("what a process has is seen from outside", async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-look-"));
  const [reads, writes] = [openSync("/etc/hostname", "r"), openSync(join(dir, "mine"), "a")];
  const child = spawn("sleep", ["60"], { stdio: ["ignore", reads, writes] });
  try {
    const { open, children } = await lookAtProcess(child.pid ?? 0, [process.pid]);
    expect(open).toContainEqual({ target: "/etc/hostname", isWritable: false });
    expect(open).toContainEqual({ target: join(dir, "mine"), isWritable: true });
    expect(children[0]).toMatch(/node/);
    // Its loader maps its libraries when it first runs.
    const mapped = async () => (await lookAtProcess(child.pid ?? 0, [])).mapped;
    await expect.poll(mapped).toContainEqual(expect.stringContaining("libc"));
  } finally {
    child.kill("SIGKILL");
    await rm(dir, { recursive: true, force: true });
  }
});

test.runIf(process.platform === "linux")("a named pipe among its files is not brought along", async () => {
  const dir = await mkdtemp(join(tmpdir(), "gantry-look-"));
  try {
    await mkdir(join(dir, "deep"));
    await writeFile(join(dir, "deep", "file"), "");
    expect(await whyNotPackable([dir])).toBeUndefined();
    execFileSync("mkfifo", [join(dir, "deep", "pipe")]);
    expect(await whyNotPackable([dir])).toBe(`there is a named pipe among its files: ${dir}/deep/pipe`);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
