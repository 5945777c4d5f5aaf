import { describe, expect, test } from "vitest";
import { cli } from "../../../test/support/fake-terminal.ts";

const TOKEN = {
  id: "waitpoint_1",
  url: "http://localhost:4400/api/v1/waitpoints/tokens/waitpoint_1/callback/x",
  status: "WAITING",
  timeoutAt: "2026-01-01T14:00:00.000Z",
  tags: ["order-7"],
  createdAt: "2026-01-01T11:00:00.000Z",
};

describe("gantry tokens", () => {
  test("list shows each token with its timeout, and asks as the flags say", async () => {
    const answer = () => ({ body: { data: [TOKEN], pagination: { next: "waitpoint_1" } } });
    const argv = ["tokens", "list", "--status", "waiting", "--tag", "order-7", "--since", "7d", "-n", "1"];
    const { exitCode, out, err, requests } = await cli(argv, { answer });
    expect({ exitCode, lines: out.split("\n").map((line) => line.split(/ {2,}/)) }).toEqual({
      exitCode: 0,
      lines: [
        ["TOKEN", "STATUS", "CREATED", "COMPLETED", "TIMES OUT", "TAGS"],
        ["waitpoint_1", "WAITING", "1h ago", "-", "in 2h", "order-7"],
      ],
    });
    expect(err).toContain("--after waitpoint_1");
    const query = new URLSearchParams(requests[0]?.path.split("?")[1]);
    expect(Object.fromEntries(query)).toEqual({
      "page[size]": "1",
      "filter[status]": "WAITING",
      "filter[tags]": "order-7",
      "filter[createdAt][period]": "7d",
    });
  });

  test("get shows what it was completed with, as the value that it is", async () => {
    const completed = { ...TOKEN, status: "COMPLETED", completedAt: "2026-01-01T11:30:00.000Z" };
    const body = {
      ...completed,
      output: '{"json":{"at":"2026-01-02T00:00:00.000Z"},"meta":{"values":{"at":["Date"]}}}',
    };
    const answer = () => ({ body: { ...body, outputType: "application/super+json" } });
    const { out } = await cli(["tokens", "get", "waitpoint_1"], { answer });
    expect(out).toMatch(/status +COMPLETED/);
    expect(out).toContain("at: 2026-01-02T00:00:00.000Z");
    const { out: json } = await cli(["tokens", "get", "waitpoint_1", "--json"], { answer });
    expect(JSON.parse(json)).toMatchObject({ id: "waitpoint_1", output: { at: "2026-01-02T00:00:00.000Z" } });
  });

  const COMPLETIONS: Record<string, { argv: string[]; want: unknown }> = {
    "with JSON": { argv: ['{"ok":true}'], want: { data: '{"json":{"ok":true}}', dataType: "application/super+json" } },
    "with text": { argv: ["yes, please"], want: { data: "yes, please", dataType: "text/plain" } },
    "with nothing": { argv: [], want: { dataType: "application/json" } },
  };
  test.each(Object.entries(COMPLETIONS))("complete %s", async (_title, { argv, want }) => {
    const answer = () => ({ body: { success: true, status: "COMPLETED", isFirst: true } });
    const { out, requests } = await cli(["tokens", "complete", "waitpoint_1", ...argv], { answer });
    expect(out).toBe("waitpoint_1 is completed");
    expect(requests[0]).toMatchObject({ method: "POST", path: "/api/v1/waitpoints/tokens/waitpoint_1/complete" });
    expect(requests[0]?.body).toEqual(want);
  });

  test("complete says where it came too late", async () => {
    const answer = () => ({ body: { success: true, status: "TIMED_OUT", isFirst: false } });
    const { exitCode, out } = await cli(["tokens", "complete", "waitpoint_1", "1"], { answer });
    expect({ exitCode, out }).toEqual({
      exitCode: 0,
      out: "waitpoint_1 had ended before (TIMED_OUT); nothing was changed",
    });
  });
});

describe("gantry runs get --journal", () => {
  const entry = { key: "k", attempt: 1, tries: 1, openedAt: "2026-01-01T11:59:00.000Z" };
  const step = { ...entry, entry: 0, kind: "step", label: "send", state: "COMPLETED", tries: 2, durationMs: 1500 };
  const time = { ...entry, entry: 1, kind: "time", label: "3 days", state: "OPEN", dueAt: "2026-01-04T11:59:00.000Z" };
  const child = { ...entry, entry: 2, kind: "child", label: "resize", state: "OPEN", childRunId: "run_2" };

  test("shows all pages as a table: what was done, and what the run waits for", async () => {
    const pages = [{ entries: [step], next: 1 }, { entries: [time, child] }];
    const { out, requests } = await cli(["runs", "get", "run_1", "--journal"], {
      answer: () => ({ body: pages.shift() }),
    });
    expect(requests.map(({ path }) => path)).toEqual([
      "/api/v1/runs/run_1/journal",
      "/api/v1/runs/run_1/journal?after=1",
    ]);
    expect(out.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["ENTRY", "KIND", "LABEL", "STATE", "TRIES", "TOOK", "WAITS UNTIL"],
      ["0", "step", "send", "COMPLETED", "2", "1.5s"],
      ["1", "time", "3 days", "OPEN", "1", "1m", expect.stringMatching(/^2026-01-04T11:59:00.000Z \(in 2d/)],
      ["2", "child", "resize", "OPEN", "1", "1m", "run_2"],
    ]);
  });

  test("with --json prints the entries; a run without any says so", async () => {
    const { out } = await cli(["runs", "get", "run_1", "--journal", "--json"], {
      answer: () => ({ body: { entries: [step] } }),
    });
    expect(JSON.parse(out)).toMatchObject([{ entry: 0, label: "send", durationMs: 1500 }]);
    const none = await cli(["runs", "get", "run_1", "--journal"], { answer: () => ({ body: { entries: [] } }) });
    expect(none).toMatchObject({ out: "", err: "The run has made no step and waited for nothing." });
  });
});
