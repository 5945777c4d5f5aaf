import { describe, expect, test } from "vitest";
import { groupFrames, originOf, shortPlace, stackFrames } from "./stack-trace.ts";

const STACK = [
  "CardDeclined: The card was declined",
  "    at charge (/app/src/charge.ts:5:13)",
  "    at async runStepBody (/app/node_modules/@gantry/sdk/dist/task/index.js:26:23)",
  "    at process.processTicksAndRejections (node:internal/process/task_queues:104:5)",
  "    at async Object.run (file:///app/tasks/shop.ts:14:5)",
  "    at async Promise.all (index 0)",
  "    at /app/tasks/shop.ts:15:2",
].join("\n");

describe("a stack", () => {
  test("is read frame by frame", () => {
    expect(stackFrames(STACK).map(({ call, file, line, isOwn }) => [call, file, line, isOwn])).toEqual([
      ["charge", "/app/src/charge.ts", 5, true],
      ["runStepBody", "/app/node_modules/@gantry/sdk/dist/task/index.js", 26, false],
      ["process.processTicksAndRejections", "node:internal/process/task_queues", 104, false],
      ["Object.run", "/app/tasks/shop.ts", 14, true],
      ["Promise.all", "index 0", undefined, false],
      [undefined, "/app/tasks/shop.ts", 15, true],
    ]);
  });

  const origins: Record<string, { stack: string | undefined; want: string | undefined }> = {
    "begins at the user's own line": { stack: STACK, want: "src/charge.ts:5" },
    "begins nowhere where all of it is foreign": { stack: "Error: x\n    at node:internal/fs:1:2", want: undefined },
    "may be missing": { stack: undefined, want: undefined },
    "is read with the backslashes of Windows": { stack: "Error\n at f (C:\\app\\a.ts:3:1)", want: "app/a.ts:3" },
    "of the SDK's sources is not the user's": { stack: "E\n    at f (/x/sdk/src/task/a.ts:1:1)", want: undefined },
  };
  test.each(Object.entries(origins))("%s", (_, { stack, want }) => {
    const origin = originOf(stack);
    expect(origin && shortPlace(origin)).toBe(want);
  });

  test("gathers what is not the user's", () => {
    expect(
      groupFrames(stackFrames(STACK)).map((group) => (group.isOwn ? group.frame.line : group.frames.length)),
    ).toEqual([5, 2, 14, 1, 15]);
  });
});
