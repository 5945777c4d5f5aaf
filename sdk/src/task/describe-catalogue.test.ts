import { beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { manifestSchema } from "../contract/index.ts";
import { catalogue, importTaskFile } from "./catalogue.ts";
import { schemaTask, task } from "./define-task.ts";
import { describeCatalogue } from "./describe-catalogue.ts";
import { queue } from "./queue.ts";
import { tasks } from "./tasks.ts";

const run = async () => {};

beforeEach(() => {
  Object.assign(catalogue(), { tasks: new Map(), shadowed: [], queues: [], hooks: {}, currentFile: undefined });
});

describe("the manifest's tasks and queues", () => {
  it("say all that a task declares, in the contract's shape", () => {
    const emails = queue({
      name: "emails",
      concurrencyLimit: 5,
      combinedConcurrencyLimit: 20,
      rateLimit: { limit: 100, period: "1m" },
    });
    schemaTask({
      id: "send-email",
      description: "Sends one email",
      queue: emails,
      schema: z.object({ to: z.string() }),
      retry: { maxAttempts: 5, outOfMemory: { machine: "large-1x" } },
      machine: { preset: "small-2x" },
      maxDuration: 60,
      ttl: "1h30m",
      onFailure: run,
      run,
    });
    const described = describeCatalogue();
    expect(described).toMatchObject({
      tasks: [
        {
          id: "send-email",
          description: "Sends one email",
          queue: "emails",
          retry: { maxAttempts: 5, outOfMemory: { machine: "large-1x" } },
          machine: "small-2x",
          maxDuration: 60,
          ttlMs: 5_400_000,
          payloadSchema: { type: "object", required: ["to"] },
          hasOnFailure: true,
          kind: "STANDARD",
        },
      ],
      queues: [
        {
          name: "emails",
          concurrencyLimit: 5,
          combinedConcurrencyLimit: 20,
          rateLimit: { limit: 100, periodMs: 60_000, key: "concurrencyKey" },
        },
      ],
    });
    const rest = { manifestVersion: 1, sdkVersion: "0.0.0", runtime: "node", entry: "index.mjs" };
    expect(manifestSchema.parse({ ...rest, ...described })).toMatchObject(described);
  });

  it("give limits without a name a queue of the task's own", () => {
    task({ id: "one-at-a-time", queue: { concurrencyLimit: 1 }, run });
    expect(describeCatalogue()).toMatchObject({
      tasks: [{ queue: "task/one-at-a-time" }],
      queues: [{ name: "task/one-at-a-time", concurrencyLimit: 1 }],
    });
  });

  it("let tasks name a queue that is declared elsewhere, by text or by object", () => {
    task({ id: "a", queue: "shared", run });
    task({ id: "b", queue: { name: "shared" }, run });
    queue({ name: "shared", concurrencyLimit: 2 });
    expect(describeCatalogue()).toMatchObject({
      tasks: [{ queue: "shared" }, { queue: "shared" }],
      queues: [{ name: "shared", concurrencyLimit: 2 }],
    });
  });

  it("count a number of ttl in seconds and a number of period in milliseconds", () => {
    task({ id: "a", ttl: 90, run });
    queue({ name: "q", rateLimit: { limit: 1, period: 500, key: "queue" } });
    expect(describeCatalogue()).toMatchObject({
      tasks: [{ ttlMs: 90_000 }],
      queues: [{ rateLimit: { periodMs: 500, key: "queue" } }],
    });
  });

  it("know that a global hook wants to hear of failures too", () => {
    task({ id: "a", run });
    expect(describeCatalogue().tasks[0]?.hasOnFailure).toBe(false);
    tasks.onComplete(() => {});
    expect(describeCatalogue().tasks[0]?.hasOnFailure).toBe(true);
  });

  it("name the file and the export a task was found in, not where it was only re-exported", async () => {
    const other = task({ id: "other", run });
    await importTaskFile("tasks/hello.ts", async () => ({ hello: task({ id: "hello", run }), notATask: 1 }));
    await importTaskFile("tasks/other.ts", async () => ({ other, again: other }));
    await importTaskFile("tasks/barrel.ts", async () => ({ renamed: other }));
    expect(describeCatalogue().tasks).toMatchObject([
      { id: "other", filePath: "tasks/other.ts", exportName: "other" },
      { id: "hello", filePath: "tasks/hello.ts", exportName: "hello" },
    ]);
  });

  const wrong: Record<string, { declare: () => void; wantCode: string; wantMessage: string }> = {
    "two tasks of one id": {
      declare: () => {
        catalogue().currentFile = "a.ts";
        task({ id: "twice", run });
        catalogue().currentFile = "b.ts";
        task({ id: "twice", run });
      },
      wantCode: "DUPLICATE_TASK_ID",
      wantMessage: 'Two tasks have the id "twice" (in a.ts and b.ts)',
    },
    "a task without an id": {
      declare: () => void task({ id: "", run }),
      wantCode: "INVALID_TASK_ID",
      wantMessage: "no id of 1 to 128 characters",
    },
    "a ttl that is no duration": {
      declare: () => void task({ id: "a", ttl: "soon", run }),
      wantCode: "INVALID_DURATION",
      wantMessage: 'ttl of task "a" is "soon"',
    },
    "a period of nothing": {
      declare: () => void queue({ name: "q", rateLimit: { limit: 1, period: 0 } }),
      wantCode: "INVALID_DURATION",
      wantMessage: 'rateLimit.period of queue "q"',
    },
    "two different queues of one name": {
      declare: () => {
        queue({ name: "q", concurrencyLimit: 1 });
        queue({ name: "q", concurrencyLimit: 2 });
      },
      wantCode: "CONFLICTING_QUEUES",
      wantMessage: 'The queue "q" is declared twice',
    },
  };
  for (const [title, { declare, wantCode, wantMessage }] of Object.entries(wrong)) {
    it(`refuse ${title}`, () => {
      declare();
      expect(describeCatalogue).toThrow(
        expect.objectContaining({ code: wantCode, message: expect.stringContaining(wantMessage) }),
      );
    });
  }
});
