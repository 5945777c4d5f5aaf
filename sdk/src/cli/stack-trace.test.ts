import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "vitest";
import { sdkRoot } from "./bundle/project-root.ts";
import { readableStack } from "./stack-trace.ts";

const project = join(tmpdir(), "my project");

const CASES: Record<string, { frame: string; want: string | undefined }> = {
  "a path in the project is relative": {
    frame: `at f (${join(project, "tasks/a.ts")}:3:9)`,
    want: "at f (tasks/a.ts:3:9)",
  },
  "a file URL too, even with a space": {
    frame: `at ${pathToFileURL(join(project, "a.ts")).href}:3:9`,
    want: "at a.ts:3:9",
  },
  "a frame of Node is left out": { frame: "at process.task (node:internal/process/task_queues:95:5)", want: undefined },
  "a frame of Gantry is left out": { frame: `at run (${join(sdkRoot(), "dist/task/index.js")}:1:1)`, want: undefined },
  "a frame of an image's runner is left out": {
    frame: "at async settled (/gantry/task-process.js:1434:12)",
    want: undefined,
  },
  "a frame of another package stays": {
    frame: "at q (/x/node_modules/pg/lib/client.js:1:2)",
    want: "at q (/x/node_modules/pg/lib/client.js:1:2)",
  },
};

test.each(Object.entries(CASES))("%s", (_title, { frame, want }) => {
  const stack = readableStack(`Error: boom\n    ${frame}`, project);
  expect(stack).toBe(want === undefined ? "Error: boom" : `Error: boom\n    ${want}`);
});

test("frames of a run in an image are named as in the project", () => {
  const stack = ["Error: x", "    at run (/app/bundle/tasks/a.ts:3:5)", "    at /app/bundle/lib/b.ts:1:1"].join("\n");
  expect(readableStack(stack, "/home/ada/shop")).toBe(
    ["Error: x", "    at run (tasks/a.ts:3:5)", "    at lib/b.ts:1:1"].join("\n"),
  );
});
