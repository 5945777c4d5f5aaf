import { expect, test } from "vitest";
import { diffVersions, type VersionTask } from "./version-diff.ts";

const task = (id: string, declaration: object = {}, filePath = `src/${id}.ts`): VersionTask => ({
  id,
  filePath,
  declaration: { id, filePath, kind: "STANDARD", ...declaration } as never,
});

test("tasks that came, went, changed and stayed", () => {
  const before = [task("b"), task("kept"), task("tuned", { machine: "micro", retry: { maxAttempts: 3 } })];
  const after = [task("a"), task("kept"), task("tuned", { machine: "medium-1x", retry: { maxAttempts: 3 }, ttlMs: 5 })];
  expect(diffVersions(before, after)).toEqual([
    { kind: "added", id: "a", filePath: "src/a.ts" },
    { kind: "removed", id: "b", filePath: "src/b.ts" },
    {
      kind: "changed",
      id: "tuned",
      filePath: "src/tuned.ts",
      fields: [
        { field: "machine", before: "micro", after: "medium-1x" },
        { field: "ttlMs", before: "not set", after: "5" },
      ],
    },
  ]);
});

test("a moved file and another payload schema are changes", () => {
  const schema = (name: string) => ({ payloadSchema: { type: "object", properties: { [name]: {} } } });
  const [change] = diffVersions([task("t", schema("url"))], [task("t", schema("uri"), "src/moved.ts")]);
  expect(change).toMatchObject({
    kind: "changed",
    fields: [
      { field: "file", before: "src/t.ts", after: "src/moved.ts" },
      { field: "payload schema", before: expect.stringMatching(/^url #/), after: expect.stringMatching(/^uri #/) },
    ],
  });
});

test("the same tasks differ in nothing", () => {
  expect(diffVersions([task("t", { queue: "q" })], [task("t", { queue: "q" })])).toEqual([]);
});
