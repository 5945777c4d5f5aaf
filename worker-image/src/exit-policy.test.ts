import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { outcomeOfEnd, type ProcessEnd } from "./exit-policy.ts";

const END: ProcessEnd = {
  exitCode: null,
  signal: null,
  kill: undefined,
  exiting: undefined,
  stderrTail: "",
  wasOomKilled: false,
  machine: MACHINE_PRESETS["small-1x"],
  hasBooted: true,
  spawnError: undefined,
};
const V8 = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";

describe("how a process ended", () => {
  const table: Record<string, { end: Partial<ProcessEnd>; want: object }> = {
    "an exit code is a crash that names it": {
      end: { exitCode: 3 },
      want: { kind: "crashed", reason: "EXIT", exitCode: 3 },
    },
    "a code that nobody chose shows the end of stderr": {
      end: { exitCode: 1, stderrTail: "Error: lost\n" },
      want: { error: { stack: "Error: lost" } },
    },
    "an exit that user code called for shows where": {
      end: { exitCode: 0, exiting: { code: 0, stack: "at run (a.ts:1:1)" } },
      want: {
        reason: "EXIT",
        error: { message: expect.stringContaining("process.exit was called"), stack: "at run (a.ts:1:1)" },
      },
    },
    "a signal is a crash that names it": { end: { signal: "SIGSEGV" }, want: { reason: "SIGNAL", signal: "SIGSEGV" } },
    "a SIGKILL that was not ours hints at the kernel": {
      end: { signal: "SIGKILL" },
      want: { reason: "SIGNAL", error: { message: expect.stringContaining("runs out of memory") } },
    },
    "a SIGKILL while the kernel killed for lack of memory is out of memory, with preset and limit": {
      end: { signal: "SIGKILL", wasOomKilled: true },
      want: {
        reason: "OUT_OF_MEMORY",
        signal: "SIGKILL",
        error: { code: "OOM_KILLED", message: expect.stringContaining("500 MB of the machine preset small-1x") },
      },
    },
    "so it is while the bundle is imported": {
      end: { signal: "SIGKILL", wasOomKilled: true, hasBooted: false },
      want: { reason: "OUT_OF_MEMORY", error: { code: "OOM_KILLED", message: expect.stringContaining("imported") } },
    },
    "our own SIGKILL stays ours, whatever the kernel did": {
      end: { signal: "SIGKILL", wasOomKilled: true, kill: { by: "return", reason: "drained" } },
      want: { kind: "returned" },
    },
    "one that was brought back, let go on, and never called in, is unresponsive": {
      end: { signal: "SIGKILL", kill: { by: "silence", afterMs: 30_000 } },
      want: {
        reason: "UNRESPONSIVE",
        error: { code: "TASK_PROCESS_SILENT", message: expect.stringContaining("for 30 s") },
      },
    },
    "another signal is not the kernel's": {
      end: { signal: "SIGSEGV", wasOomKilled: true },
      want: { reason: "SIGNAL", error: { code: "TASK_PROCESS_SIGNAL" } },
    },
    "V8's fatal exit with its words is out of memory": {
      end: { signal: "SIGABRT", stderrTail: V8 },
      want: { reason: "OUT_OF_MEMORY", error: { code: "OUT_OF_MEMORY" } },
    },
    "V8's fatal exit as a code is out of memory": {
      end: { exitCode: 134, stderrTail: V8 },
      want: { reason: "OUT_OF_MEMORY", exitCode: 134 },
    },
    "an abort for another reason is a signal": {
      end: { signal: "SIGABRT", stderrTail: "assertion failed" },
      want: { reason: "SIGNAL" },
    },
    "the words alone are not enough": { end: { exitCode: 1, stderrTail: V8 }, want: { reason: "EXIT" } },
    "a kill for memory is out of memory": {
      end: { signal: "SIGKILL", kill: { by: "memory", rssBytes: 600e6 } },
      want: { reason: "OUT_OF_MEMORY", error: { message: expect.stringMatching(/600 MB.*small-1x has 500 MB/) } },
    },
    "a kill for a cancel is a cancel": {
      end: { signal: "SIGKILL", kill: { by: "cancel" } },
      want: { kind: "canceled" },
    },
    "a kill to give back is a return": {
      end: { signal: "SIGKILL", kill: { by: "return", reason: "draining" } },
      want: { kind: "returned", reason: "draining" },
    },
    "a kill for time is a time-out": {
      end: { signal: "SIGTERM", kill: { by: "maxDuration", maxDurationMs: 5_000, blockedMs: 0 } },
      want: { kind: "timedOut", error: { message: "The run used more than its maxDuration of 5 s of compute time." } },
    },
    "a kill for time with a blocked loop says so": {
      end: { kill: { by: "maxDuration", maxDurationMs: 5_000, blockedMs: 4_200 } },
      want: { error: { message: expect.stringContaining("blocked for 4.2 s") } },
    },
    "an exit before the bundle was imported is a failed boot": {
      end: { exitCode: 1, hasBooted: false },
      want: { reason: "BOOT_FAILED", exitCode: 1 },
    },
    "a program that cannot be started is a failed boot": {
      end: { hasBooted: false, spawnError: new Error("EAGAIN") },
      want: { reason: "BOOT_FAILED", error: { message: expect.stringContaining("EAGAIN") } },
    },
    "a heap that is full before is out of memory": {
      end: { signal: "SIGABRT", stderrTail: V8, hasBooted: false },
      want: { reason: "OUT_OF_MEMORY" },
    },
    "an import without end is a failed boot": {
      end: { signal: "SIGKILL", hasBooted: false, kill: { by: "bootTimeout", afterMs: 60_000 } },
      want: { reason: "BOOT_FAILED", error: { message: expect.stringContaining("after 60 s") } },
    },
  };
  test.each(Object.entries(table))("%s", (_sentence, { end, want }) => {
    expect(outcomeOfEnd({ ...END, ...end })).toMatchObject(want);
  });
});
