import { describe, expect, test } from "vitest";
import { cli } from "../../../test/support/fake-terminal.ts";

const ACTION = {
  id: "bulk_1",
  type: "REPLAY",
  status: "COMPLETED",
  counts: { total: 3, success: 3, failure: 0 },
  isSelected: true,
  isCapped: false,
  failures: [],
  createdAt: "2026-01-01T11:00:00.000Z",
};

/** The platform's answers to a bulk action that has ended so. */
const answering =
  (over: object = {}) =>
  ({ method }: { method: string }) => ({ body: method === "POST" ? { id: "bulk_1" } : { ...ACTION, ...over } });

describe("gantry runs replay and cancel", () => {
  test("with a filter are bulk actions, which are followed to their end", async () => {
    const argv = [
      "runs",
      "replay",
      "--status",
      "failed",
      "--task",
      "import",
      "--since",
      "1h",
      "--error",
      "0123456789abcdef",
    ];
    const { exitCode, out, requests } = await cli(argv, { answer: answering() });
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: "3 of 3 runs replayed" });
    expect(requests[0]).toMatchObject({
      method: "POST",
      path: "/api/v1/bulk-actions",
      body: {
        action: "replay",
        filter: { status: ["FAILED"], taskIdentifier: ["import"], period: "1h", error: "0123456789abcdef" },
      },
    });
  });

  test("say what could not be done, and fail", async () => {
    const failures = [{ runId: "run_2", code: "TASK_NOT_FOUND", message: "There is no task." }];
    const answer = answering({
      type: "CANCEL",
      counts: { total: 3, success: 2, failure: 1 },
      failures,
      isCapped: true,
    });
    const { exitCode, out } = await cli(["runs", "cancel", "--tag", "a"], { answer });
    expect(exitCode).toBe(1);
    expect(out.split("\n")).toEqual([
      "2 of 3 runs canceled",
      "There are more: the newest 10,000 were taken.",
      "run_2  TASK_NOT_FOUND  There is no task.",
    ]);
  });

  test("of several runs are one bulk action, and --detach does not wait for it", async () => {
    const { out, requests } = await cli(["runs", "replay", "run_1", "run_2", "--detach"], { answer: answering() });
    expect({ out, body: requests[0]?.body, asked: requests.length }).toEqual({
      out: "bulk_1",
      body: { action: "replay", runIds: ["run_1", "run_2"] },
      asked: 1,
    });
  });

  test.each([
    ["nothing", ["runs", "cancel"]],
    ["runs and a filter", ["runs", "replay", "run_1", "--tag", "a"]],
    ["no status", ["runs", "replay", "--status", "lost"]],
  ])("with %s ask which are meant", async (_what, argv) => {
    const { exitCode, requests } = await cli(argv, { answer: answering() });
    expect({ exitCode, asked: requests.length }).toEqual({ exitCode: 2, asked: 0 });
  });
});

describe("gantry errors", () => {
  const GROUP = {
    fingerprint: "0123456789abcdef",
    taskIdentifier: "import",
    status: "FAILED",
    name: "TypeError",
    message: "x is\nundefined",
    count: 12,
    firstSeenAt: "2026-01-01T10:00:00.000Z",
    lastSeenAt: "2026-01-01T11:00:00.000Z",
    sampleRunId: "run_1",
    bucketMs: 900_000,
    series: [],
  };

  test("lists groups with how often, when and where they were seen last", async () => {
    const answer = () => ({ body: { data: [GROUP], pagination: {} } });
    const { out, requests } = await cli(["errors", "--task", "import", "--since", "7d"], { answer });
    expect(out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["ERROR", "RUNS", "LAST", "TASK", "LATEST RUN", "MESSAGE"],
      ["0123456789abcdef", "12", "1h ago", "import", "run_1", "TypeError: x is undefined"],
    ]);
    expect(requests[0]?.path).toBe("/api/v1/errors?filter[taskIdentifier]=import&period=7d");
  });

  test("says so where nothing has failed", async () => {
    const { err, exitCode } = await cli(["errors"], { answer: () => ({ body: { data: [], pagination: {} } }) });
    expect({ err, exitCode }).toEqual({ err: "No run has failed in the last 24h.", exitCode: 0 });
  });
});
