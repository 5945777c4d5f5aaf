import { describe, expect, test } from "vitest";
import { cli, runReply, type SeenRequest } from "../../../test/support/fake-terminal.ts";

const WHO = {
  userId: "",
  email: "",
  dashboardUrl: "",
  project: { ref: "shop" },
  environment: { slug: "prod" },
  credential: { kind: "key", scopes: [] },
  platformVersion: "1.2.3",
};
const CLUSTER = {
  executor: "kubernetes",
  problem: null,
  observedAt: "2026-01-01T12:00:00.000Z",
  workers: [],
  isTruncated: false,
  nodes: [{ name: "a" }, { name: "b" }, { name: "c" }],
};
const tried = (name: string, reason: string | null) => ({
  name,
  works: reason === null,
  reason,
  arch: "x64",
  kernel: "6.18.44",
  seenAt: "2026-01-01T11:00:00.000Z",
});

const doctor = (cluster: object, ...argv: string[]) =>
  cli(["doctor", ...argv], {
    answer: ({ path }: SeenRequest) => ({ body: path === "/api/v1/cluster" ? { ...CLUSTER, ...cluster } : WHO }),
  });
const cells = (text: string) => text.split("\n").map((line) => line.trim().split(/ {2,}/));

describe("gantry doctor", () => {
  test("says on which nodes processes can be stored, and why not on the others", async () => {
    const nodes = [tried("a", null), tried("b", "CRIU may not be run: Operation not permitted"), tried("z", null)];
    const { out, exitCode } = await doctor({ checkpoints: { isEnabled: true, nodes } });
    expect(exitCode).toBe(0);
    expect(cells(out)).toEqual([
      ["ok", "platform", "http://localhost:4400, version 1.2.3"],
      ["ok", "access", expect.stringMatching(/^key from .* to shop\/prod$/)],
      ["ok", "runs", "can start; 0 Jobs now"],
      ["ok", "process checkpoints", "work on 1 of 3 nodes"],
      [""],
      ["NODE", "WORKS", "ARCH", "KERNEL", "SEEN", "WHY NOT"],
      ["a", "yes", "x64", "6.18.44", "1h ago"],
      ["b", "no", "x64", "6.18.44", "1h ago", "CRIU may not be run: Operation not permitted"],
      ["c", "?", "-", "-", "-", "no run of a task that wants them was there yet"],
      ["z", "-", "x64", "6.18.44", "1h ago", "the cluster has it no more"],
    ]);
  });

  const CASES: Record<string, { cluster: object; wantExit: number; want: RegExp }> = {
    "not switched on": {
      cluster: { checkpoints: { isEnabled: false, nodes: [] } },
      wantExit: 0,
      want: /-- {2}process checkpoints {2}not switched on: the chart's processCheckpoints.enabled/,
    },
    "where the cluster refuses them": {
      cluster: { checkpoints: { isEnabled: true, problem: "The platform may not create jobs there.", nodes: [] } },
      wantExit: 1,
      want: /no {2}process checkpoints {2}The platform may not create jobs there\./,
    },
    "on a laptop": { cluster: { executor: "process" }, wantExit: 0, want: /-- {2}process checkpoints {2}need Kubern/ },
    "not tried yet": {
      cluster: { checkpoints: { isEnabled: true, nodes: [] }, nodes: null },
      wantExit: 0,
      want: /-- {2}process checkpoints {2}not tried on any node yet/,
    },
    "on no node": {
      cluster: { checkpoints: { isEnabled: true, nodes: [tried("a", "no CRIU in the image")] }, nodes: null },
      wantExit: 1,
      want: /no {2}process checkpoints {2}work on no node[\s\S]*no CRIU in the image/,
    },
    "runs that cannot start": {
      cluster: { problem: "The platform may not make Jobs." },
      wantExit: 1,
      want: /no {2}runs {17}cannot start: The platform may not make Jobs\./,
    },
  };
  test.each(Object.entries(CASES))("%s", async (_title, { cluster, wantExit, want }) => {
    const { out, exitCode } = await doctor(cluster);
    expect(out).toMatch(want);
    expect(exitCode).toBe(wantExit);
  });

  test("--json has the findings and what is known of each node", async () => {
    const checkpoints = { isEnabled: true, nodes: [tried("a", null)] };
    const { out } = await doctor({ checkpoints }, "--json");
    const { findings, ...rest } = JSON.parse(out) as { findings: { name: string; state: string }[] };
    expect(rest).toEqual({ checkpoints });
    expect(findings.map(({ name, state }) => `${name} ${state}`)).toEqual([
      "platform ok",
      "access ok",
      "runs ok",
      "process checkpoints ok",
    ]);
  });
});

describe("gantry runs get says what became of a waiting run's process", () => {
  const parkedAt = "2026-01-01T09:00:00.000Z";
  const MB = 1024 * 1024;
  const CASES: Record<string, { checkpoint: object; want: string[][] }> = {
    "stored in Postgres": {
      checkpoint: { mode: "process", reason: "PROCESS_MODE", storedBytes: 5.1 * MB, bytes: 27 * MB, frees: "small-1x" },
      want: [
        ["process", "waiting in Postgres, 5.1 MB, since 2026-01-01T09:00:00.000Z (3h ago), frees small-1x"],
        ["because", "PROCESS_MODE: The task's checkpoint mode is process."],
      ],
    },
    "stored, and not easily brought back": {
      checkpoint: { mode: "process", reason: "PROCESS_LONG_WAIT", storedBytes: 4096, failures: 2, frees: "large-1x" },
      want: [
        [
          "process",
          "waiting in Postgres, 4 KB, since 2026-01-01T09:00:00.000Z (3h ago), frees large-1x, could not be brought back 2 times",
        ],
        ["because", "PROCESS_LONG_WAIT: The wait is longer than holdMs: the process is stored."],
      ],
    },
    "kept, with the line that keeps it": {
      checkpoint: { mode: "hold", reason: "UNSAFE", because: "Wrap `emails.send` (welcome.ts:14) in step.run." },
      want: [
        ["process", "kept by its worker, since 2026-01-01T09:00:00.000Z (3h ago)"],
        [
          "because",
          "UNSAFE: A replay would repeat what the task did outside of steps. Wrap `emails.send` (welcome.ts:14) in step.run.",
        ],
      ],
    },
    gone: {
      checkpoint: { mode: "replay", reason: "LONG_WAIT", frees: "small-1x" },
      want: [
        ["process", "left its worker, to be replayed, since 2026-01-01T09:00:00.000Z (3h ago), frees small-1x"],
        ["because", "LONG_WAIT: The wait is longer than holdMs, and a replay repeats nothing."],
      ],
    },
  };
  test.each(Object.entries(CASES))("%s", async (_title, { checkpoint, want }) => {
    const body = runReply({ status: "WAITING", isWaiting: true, checkpoint: { parkedAt, ...checkpoint } });
    const { out } = await cli(["runs", "get", "run_1"], { answer: () => ({ body }) });
    expect(cells(out)).toEqual(expect.arrayContaining(want));
  });
});
