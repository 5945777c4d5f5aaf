import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliOptions, cli, emptyFolder, runReply, type SeenRequest } from "../../test/support/fake-terminal.ts";

const refused = () =>
  new TypeError("fetch failed", { cause: Object.assign(new Error("refused"), { code: "ECONNREFUSED" }) });
const answers = (body: unknown) => () => ({ body });

describe("errors say what to do", () => {
  const CASES: Record<string, { argv: string[]; options?: CliOptions; wantExit: number; want: RegExp[] }> = {
    "no key": {
      argv: ["runs", "list"],
      options: { env: {} },
      wantExit: 2,
      want: [/KEY_MISSING/, /GANTRY_SECRET_KEY/, /gantry dev/],
    },
    "a platform that is not there": {
      argv: ["runs", "list"],
      options: { answer: refused },
      wantExit: 3,
      want: [/does not answer at http:\/\/localhost:4400/, /`gantry dev`/],
    },
    "a key that is not accepted": {
      argv: ["whoami"],
      options: { answer: () => ({ status: 401, body: { error: "Unknown key.", code: "UNAUTHORIZED" } }) },
      wantExit: 2,
      want: [/does not accept the key from the environment/],
    },
    "what the platform refuses, with its code": {
      argv: ["trigger", "helo"],
      options: {
        answer: () => ({
          status: 404,
          body: { error: 'No task "helo"; did you mean "hello"?', code: "TASK_NOT_FOUND" },
        }),
      },
      wantExit: 2,
      want: [/did you mean "hello"/, /TASK_NOT_FOUND/],
    },
    "a platform that is broken": {
      argv: ["runs", "get", "run_1"],
      options: { answer: () => ({ status: 500, body: { error: "Oops", code: "INTERNAL" } }) },
      wantExit: 3,
      want: [/Oops/, /INTERNAL/],
    },
    "an unknown command": { argv: ["rns"], wantExit: 2, want: [/unknown command 'rns'/, /Did you mean runs/] },
    "an unknown option": {
      argv: ["runs", "list", "--statuz", "X"],
      wantExit: 2,
      want: [/unknown option '--statuz'/, /--status/],
    },
    "a missing argument": { argv: ["runs", "get"], wantExit: 2, want: [/missing required argument 'run'/] },
    "a status that is none": {
      argv: ["runs", "list", "--status", "done"],
      wantExit: 2,
      want: [/"done" is no status/, /COMPLETED/],
    },
    "a payload that is not JSON": {
      argv: ["trigger", "hello", "--payload", "{name:1}"],
      wantExit: 2,
      want: [/--payload is not JSON/, /Quote it/],
    },
    "a payload file that is missing": {
      argv: ["trigger", "hello", "--payload", "@nothing.json"],
      wantExit: 2,
      want: [/nothing\.json cannot be read/],
    },
    "metadata that is no object": {
      argv: ["trigger", "hello", "--metadata", "[1]"],
      wantExit: 2,
      want: [/not a JSON object/],
    },
    "a number that is none": { argv: ["trigger", "hello", "--priority", "high"], wantExit: 2, want: [/not a number/] },
    "a limit that is none": { argv: ["queues", "limit", "emails", "many"], wantExit: 2, want: [/"many" is no limit/] },
  };

  test.each(Object.entries(CASES))("%s", async (_title, { argv, options, wantExit, want }) => {
    const { exitCode, err, out } = await cli(argv, options);
    expect(exitCode).toBe(wantExit);
    for (const text of want) expect(err).toMatch(text);
    expect(out).toBe("");
  });

  test("with --json an error is one line of JSON on standard error", async () => {
    const { err } = await cli(["runs", "list", "--json"], { env: {} });
    expect(JSON.parse(err)).toMatchObject({ code: "KEY_MISSING", remedy: expect.any(String) as string });
  });
});

test("help names every command, the environment and the exit codes", async () => {
  const { exitCode, out } = await cli(["--help"]);
  expect(exitCode).toBe(0);
  for (const word of [
    "init",
    "dev",
    "trigger",
    "runs",
    "queues",
    "whoami",
    "limits",
    "admin",
    "GANTRY_API_URL",
    "Exit codes",
  ]) {
    expect(out).toContain(word);
  }
});

test("a trigger sends the payload and the options, and prints the run's id alone", async () => {
  const argv = [
    "trigger",
    "hello",
    "-p",
    '{"name":"Ada"}',
    "--tag",
    "a",
    "--tag",
    "b",
    "--delay",
    "1h",
    "--priority",
    "5",
  ];
  const { exitCode, out, requests } = await cli(argv, { answer: answers({ id: "run_9", isCached: false }) });
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: "run_9" });
  expect(requests[0]).toMatchObject({
    method: "POST",
    path: "/api/v1/tasks/hello/trigger",
    key: "Bearer gt_dev_sk_abc",
  });
  expect(requests[0]?.body).toMatchObject({ options: { tags: ["a", "b"], delay: "1h", priority: 5 } });
  expect(requests[0]?.body).toMatchObject({ payload: expect.stringContaining("Ada") as string });
});

test("a payload comes from standard input or from a file", async () => {
  const answer = answers({ id: "run_9" });
  const cwd = emptyFolder();
  writeFileSync(join(cwd, "p.json"), "[1,2]");
  const sent = async (argv: string[]) => {
    const { requests } = await cli(argv, { answer, cwd, stdin: '{"from":"stdin"}' });
    return JSON.stringify(requests[0]?.body);
  };
  expect(await sent(["trigger", "hello", "-p", "-"])).toContain("stdin");
  expect(await sent(["trigger", "hello", "-p", "@p.json"])).toContain("[1,2]");
});

describe("--wait", () => {
  const world = (run: object) => (request: SeenRequest) => ({
    body: request.method === "POST" ? { id: "run_1" } : runReply(run),
  });

  test("prints the output; exit code 0 for a run that is COMPLETED", async () => {
    const { exitCode, out } = await cli(["trigger", "hello", "--wait"], {
      answer: world({ output: { greeting: "hi" } }),
    });
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: "{ greeting: 'hi' }" });
  });

  test("prints the error with a stack in the project; exit code 1 for a run that FAILED", async () => {
    const cwd = emptyFolder();
    const stackTrace = `Error: boom\n    at run (file://${cwd}/tasks/a.ts:3:9)\n    at node:internal/x:1:1`;
    const answer = world({ status: "FAILED", error: { name: "Error", message: "boom", stackTrace } });
    const { exitCode, err } = await cli(["trigger", "hello", "--wait"], { answer, cwd });
    expect(exitCode).toBe(1);
    expect(err).toContain("Error: boom\n    at run (tasks/a.ts:3:9)");
    expect(err).not.toContain("node:internal");
  });

  test("with --json prints one line for scripts", async () => {
    const { out } = await cli(["trigger", "hello", "--wait", "--json"], { answer: world({ output: 7 }) });
    expect(JSON.parse(out)).toEqual({ id: "run_1", status: "COMPLETED", output: 7, attemptCount: 1 });
  });
});

test("runs are listed as a table, with ages and durations", async () => {
  const page = { data: [runReply()], pagination: { next: "run_0" } };
  const { out, err, requests } = await cli(["runs", "list", "--status", "completed", "--since", "7d", "-n", "1"], {
    answer: answers(page),
  });
  expect(out.split("\n")).toEqual([
    "RUN    TASK   STATUS     CREATED  DURATION  VERSION     TAGS",
    "run_1  hello  COMPLETED  4m ago   2.1s      20260101.1  nightly",
  ]);
  expect(err).toBe("More: --after run_1");
  expect(requests[0]?.path).toBe("/api/v1/runs?filter[status]=COMPLETED&filter[createdAt][period]=7d&page[size]=1");
});

test("a run is shown with payload, metadata, output and error", async () => {
  const { out } = await cli(["runs", "get", "run_1"], {
    answer: answers(
      runReply({
        payload: { a: 1 },
        metadata: { percent: 100 },
        output: "fine",
        delayedUntil: "2026-01-01T11:57:00.000Z",
      }),
    ),
  });
  for (const text of [
    "run_1",
    "COMPLETED",
    "{ a: 1 }",
    "{ percent: 100 }",
    "fine",
    "2026-01-01T11:57:00.000Z",
    "4m ago",
  ]) {
    expect(out).toContain(text);
  }
});

test("logs are printed page by page with time, level and data", async () => {
  const event = (cursor: string, message: string, rest: object = {}) => ({
    at: "2026-01-01T11:56:01.500Z",
    attempt: 1,
    kind: "log",
    level: "info",
    message,
    cursor,
    ...rest,
  });
  const { out } = await cli(["runs", "logs", "run_1"], {
    answer: answers({ events: [event("1", "hello", { data: { n: 1 } }), event("2", "plain\n", { kind: "stdout" })] }),
  });
  expect(out).toBe('11:56:01.500 info   hello {"n":1}\n11:56:01.500 stdout plain');
});

test("explain prints each reason with its constant", async () => {
  const { out } = await cli(["runs", "explain", "run_1"], {
    answer: answers({
      runId: "run_1",
      status: "QUEUED",
      reasons: [{ reason: "QUEUE_LIMIT", message: "5 of 5 execute." }],
      position: 2,
    }),
  });
  expect(out).toBe("run_1 is QUEUED\n  QUEUE_LIMIT  5 of 5 execute.\n  2 runs are ahead of it in its queue");
});

test("queues are named as declared, and those of tasks as task/<id>", async () => {
  const queue = { id: "queue_1", name: "send", type: "task", running: 1, queued: 2, paused: true, concurrencyLimit: 3 };
  const { out, requests } = await cli(["queues", "limit", "task/send", "3"], { answer: answers(queue) });
  expect(out.split("\n")[1]).toBe("task/send  1        2       3      paused");
  expect(requests[0]).toMatchObject({
    path: "/api/v1/queues/send/concurrency/override",
    body: { type: "task", concurrencyLimit: 3 },
  });
});

test("cancel takes several runs", async () => {
  const { out, requests } = await cli(["runs", "cancel", "run_1", "run_2"], {
    answer: ({ path }) => ({ body: { id: path.split("/")[4] } }),
  });
  expect(out).toBe("run_1 is being canceled\nrun_2 is being canceled");
  expect(requests.map(({ path }) => path)).toEqual(["/api/v2/runs/run_1/cancel", "/api/v2/runs/run_2/cancel"]);
});

test("the key comes from the shell, then .env.local, then .env, then the running `gantry dev`", async () => {
  const cwd = emptyFolder();
  const keyOf = async (env: Record<string, string>) =>
    (await cli(["limits"], { env, cwd, answer: answers({ payloadBytes: 3145728 }) })).requests[0]?.key;
  writeFileSync(join(cwd, ".env"), "GANTRY_SECRET_KEY=from-env-file");
  expect(await keyOf({})).toBe("Bearer from-env-file");
  writeFileSync(join(cwd, ".env.local"), "GANTRY_SECRET_KEY=from-local");
  expect(await keyOf({})).toBe("Bearer from-local");
  expect(await keyOf({ TRIGGER_SECRET_KEY: "from-shell" })).toBe("Bearer from-shell");
});

test("limits are shown with their units", async () => {
  const { out } = await cli(["limits"], {
    answer: answers({ payloadBytes: 3145728, devTtlMs: 600000, queuedRuns: 1000000 }),
  });
  expect(out).toMatch(/payloadBytes +3 MB/);
  expect(out).toMatch(/devTtlMs +10m/);
  expect(out).toMatch(/queuedRuns +1,000,000/);
});

test("drain pauses, and ends when nothing executes", async () => {
  let polls = 0;
  const { exitCode, out } = await cli(["admin", "drain"], {
    answer: ({ method }) =>
      method === "POST"
        ? { body: { success: true } }
        : { body: { data: polls++ === 0 ? [runReply({ status: "EXECUTING" })] : [], pagination: {} } },
  });
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: "Paused; 1 still executing.\nDrained: nothing executes." });
});

test("keys are listed without their secrets, and a new one is printed alone", async () => {
  const key = { id: "key_1", scope: "read", hint: "wxyz", createdAt: "2026-01-01T11:00:00.000Z", expiresAt: null };
  const listed = await cli(["admin", "keys", "list"], { answer: answers({ data: [key] }) });
  expect(listed.out.split("\n")[1]).toBe("key_1  read   …wxyz    1h ago   -");
  const made = await cli(["admin", "keys", "create", "--scope", "read"], {
    answer: answers({ ...key, key: "gt_dev_sk_new" }),
  });
  expect(made.out).toBe("gt_dev_sk_new");
  expect(made.requests[0]).toMatchObject({ path: "/api/v1/keys", body: { scope: "read" } });
  const revoked = await cli(["admin", "keys", "revoke", "key_1", "--grace", "60"], {
    answer: answers({ success: true }),
  });
  expect(revoked.requests[0]).toMatchObject({ path: "/api/v1/keys/key_1/revoke", body: { graceSeconds: 60 } });
});

test("access tokens are listed without their secrets, made with a scope and an end, and revoked", async () => {
  const token = { id: "token_1", name: "ci", scopes: ["deploy"], hint: "wxyz", createdAt: "2026-01-01T11:00:00.000Z" };
  const listed = await cli(["admin", "tokens", "list"], {
    answer: answers({ data: [{ ...token, expiresAt: "2026-01-02T12:00:00.000Z" }] }),
  });
  expect(listed.out.split("\n")[1]).toBe("token_1  ci    deploy  …wxyz    1h ago   in 1d");
  const made = await cli(["admin", "tokens", "create", "--name", "ci", "--scope", "deploy", "--expires-in", "90d"], {
    answer: answers({ id: "token_1", token: "gt_pat_new" }),
  });
  expect(made.out).toBe("gt_pat_new");
  expect(made.requests[0]).toMatchObject({
    path: "/api/v1/access-tokens",
    body: { name: "ci", scopes: ["deploy"], expiresAt: "2026-04-01T12:00:00.000Z" },
  });
  const revoked = await cli(["admin", "tokens", "revoke", "token_1"], { answer: answers({ success: true }) });
  expect(revoked.requests[0]).toMatchObject({ path: "/api/v1/access-tokens/token_1/revoke" });
});
