import { describe, expect, test } from "vitest";
import { cgroupOomKills, memoryFromStatus, OPERATING_SYSTEMS, osDifferences, startFromStat } from "./os-differences.ts";

const LONG = `/${"d".repeat(120)}`;

describe("each operating system", () => {
  const table: Record<
    "linux" | "darwin" | "win32",
    { wantShort: string; wantLong: string | undefined; wantFile: boolean; wantSignals: boolean }
  > = {
    linux: { wantShort: "/runs/1.sock", wantLong: undefined, wantFile: true, wantSignals: true },
    darwin: { wantShort: "/runs/1.sock", wantLong: undefined, wantFile: true, wantSignals: true },
    win32: {
      wantShort: "\\\\.\\pipe\\gantry-1.sock",
      wantLong: "\\\\.\\pipe\\gantry-1.sock",
      wantFile: false,
      wantSignals: false,
    },
  };
  test.each(Object.entries(table))("%s names its sockets as it can, and says what else differs", (name, want) => {
    const os = OPERATING_SYSTEMS[name as keyof typeof table];
    expect(os.socketPath("/runs", "1.sock")).toBe(want.wantShort);
    expect(os.socketPath(LONG, "1.sock")).toBe(want.wantLong);
    expect(os.socketIsFile).toBe(want.wantFile);
    expect(os.hasSignals).toBe(want.wantSignals);
  });

  test("an unknown Unix is treated as one that tells little", async () => {
    const os = osDifferences("freebsd");
    expect(os.socketPath("/runs", "s")).toBe("/runs/s");
    expect(await os.memory(process.pid)).toBeUndefined();
    expect(os.descendants(process.pid)).toEqual([]);
  });
});

describe("Linux's /proc", () => {
  test("gives the start of a process whose name holds brackets and spaces", () => {
    const fields = ["S", ...Array.from({ length: 18 }, (_, i) => String(i)), "987654", "0"];
    expect(startFromStat(`42 (a ) b) ${fields.join(" ")}`)).toBe("987654");
  });

  test("shows a zombie as ended", () => {
    expect(startFromStat(`42 (node) Z ${"1 ".repeat(30)}`)).toBeUndefined();
  });

  test("gives memory in bytes", () => {
    const status = "Name:\tnode\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n";
    expect(memoryFromStatus(status)).toEqual({ rssBytes: 1024 * 1024, maxRssBytes: 2048 * 1024 });
    expect(memoryFromStatus("Name:\tkernel thread\n")).toBeUndefined();
  });

  test.runIf(process.platform === "linux")(
    "names this process, always the same, and no process that is gone",
    async () => {
      const os = OPERATING_SYSTEMS.linux;
      const start = await os.processStart(process.pid);
      expect(start).toMatch(/^[0-9a-f-]+:\d+$/);
      expect(await os.processStart(process.pid)).toBe(start);
      expect(await os.processStart(2 ** 22 + 1)).toBeUndefined();
      expect((await os.memory(process.pid))?.rssBytes).toBeGreaterThan(10_000_000);
    },
  );
});

describe("the kernel's kills for lack of memory", () => {
  const count = "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n";
  const table: Record<string, { files: Record<string, string>; want: number | undefined }> = {
    "version 2, a group of its own": {
      files: {
        "/proc/self/cgroup": "0::/user.slice/run-7.scope\n",
        "/sys/fs/cgroup/user.slice/run-7.scope/memory.events":
          "low 0\nhigh 0\nmax 9\noom 3\noom_kill 3\noom_group_kill 0\n",
      },
      want: 3,
    },
    "version 2, in a container that sees its group as the root": {
      files: { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.events": "oom 1\noom_kill 1\n" },
      want: 1,
    },
    "version 1, by the group's path": {
      files: {
        "/proc/self/cgroup": "5:cpu,cpuacct:/a\n4:memory:/jobs/b\n0::/c\n",
        "/sys/fs/cgroup/memory/jobs/b/memory.oom_control": count,
      },
      want: 2,
    },
    "version 1, in a container that is told the node's path": {
      files: {
        "/proc/self/cgroup": "4:memory:/kubepods/burstable/pod1/c\n0::/\n",
        "/sys/fs/cgroup/memory/memory.oom_control": count,
      },
      want: 2,
    },
    "no such count": { files: { "/proc/self/cgroup": "0::/\n" }, want: undefined },
    "no /proc": { files: {}, want: undefined },
  };
  test.each(Object.entries(table))("%s", (_sentence, { files, want }) => {
    const read = (path: string): string => {
      const text = files[path];
      if (text === undefined) throw new Error("ENOENT");
      return text;
    };
    expect(cgroupOomKills(read)).toBe(want);
  });
});
