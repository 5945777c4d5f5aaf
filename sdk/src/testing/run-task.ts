import { withAuth } from "../client/configuration.ts";
import { decodeValue } from "../client/packet.ts";
import type { AnyTask, TaskOutput, TaskPayload } from "../client/run-handle.ts";
import { DEFAULT_RETRY, retryDelayMs } from "../contract/retry.ts";
import { fromWireError } from "../contract/wire-error.ts";
import type { Grant } from "../contract/worker-protocol.ts";
import { catalogue, registeredTask } from "../task/catalogue.ts";
import { executeTask } from "../task/execute-task.ts";
import type { TaskOutcome } from "../task/host.ts";
import type { OnWait, TestWait } from "./test-answers.ts";
import { type OnTrigger, TestApi, type TriggerCall } from "./test-api.ts";
import { TEST_RUN_ID, testGrant } from "./test-grant.ts";
import { TestHost, type TestLog, TestPass } from "./test-host.ts";
import { TestJournal } from "./test-journal.ts";
import { TestStreams } from "./test-streams.ts";
import { TestTokens } from "./test-tokens.ts";

export interface RunTaskOptions {
  /** Number of the first attempt; `onStart` hooks run at 1 only. Default 1. */
  attempt?: number | undefined;
  /** Default: the task's own, or 3; without `retries`, 1, so that a failure is final and `onFailure` runs. */
  maxAttempts?: number | undefined;
  /** Tries again as a platform would, without waiting. Default false. */
  retries?: boolean | undefined;
  metadata?: Record<string, unknown> | undefined;
  tags?: string[] | undefined;
  /** Makes the run a child, whose `metadata.parent` is apart. */
  parentRunId?: string | undefined;
  /**
   * Is called for each run that the task triggers; none is really started. Where the task waits for it, what it returns says how
   * it ends: `{ output }` or `{ error }`.
   */
  onTrigger?: OnTrigger | undefined;
  /** Is called for each token that the task waits for, and says how it ends; without an answer it times out, where it can. */
  onWait?: OnWait | undefined;
  /** Messages that the run finds on its input streams, by the stream's id, in order. */
  inputs?: Record<string, readonly unknown[]> | undefined;
  /**
   * Runs the function again over its journal at each wait, as where its process has gone meanwhile. Finds code that a replay
   * would lead another way (JOURNAL_MISMATCH), and effects outside of steps, which then happen twice. Default false: the
   * function goes on where it waited.
   */
  replay?: boolean | undefined;
  /** Set in `process.env` while the task runs. */
  env?: Record<string, string> | undefined;
  /** Cancels the run. */
  signal?: AbortSignal | undefined;
  /** Tells the run that its worker is to stop. */
  drainSignal?: AbortSignal | undefined;
}

interface RunTaskReport {
  /** Of the last attempt, as a platform would get it. */
  outcome: TaskOutcome;
  /** Number of the last attempt. */
  attempt: number;
  /** Milliseconds that a platform would have waited before each further attempt. */
  delays: number[];
  logs: TestLog[];
  metadata: Record<string, unknown>;
  parentMetadata: Record<string, unknown>;
  rootMetadata: Record<string, unknown>;
  tags: string[];
  triggered: TriggerCall[];
  /** What the task wrote to streams, by the stream's id: its chunks in order. Those of another run are under `run/id`. */
  streams: Record<string, unknown[]>;
  /** What the task waited for, in the order of the calls. Time passes at once. */
  waits: TestWait[];
  /** How often the function was run again over its journal. */
  replays: number;
}

export type RunTaskResult<TOutput> = RunTaskReport &
  (
    | { ok: true; status: "COMPLETED"; output: TOutput; error?: undefined }
    | { ok: false; status: "FAILED" | "CRASHED"; error: Error; output?: undefined }
    | { ok: false; status: "CANCELED"; error?: undefined; output?: undefined }
    /** It threw the reason of its `drainSignal`: a platform would start it on another worker. */
    | { ok: false; status: "QUEUED"; error?: undefined; output?: undefined }
  );

/** More defers than this are a mistake in the test. */
const MAX_DEFERS = 100;

/**
 * Runs a task in this process as a worker would: schema, middleware, hooks, retries, output encoded and decoded.
 * Nothing leaves the process, and nothing is waited for: time passes at once, `onTrigger` and `onWait` say how children and
 * tokens end. It never rejects because of what the task does.
 *
 * @example
 * import { runTask } from "@gantry/sdk/testing";
 * import { importAirports } from "../tasks/import-airports.ts";
 *
 * it("counts the rows it imported", async () => {
 *   const result = await runTask(importAirports, { file: "airports.csv" }, { tags: ["test"] });
 *   expect(result.error).toBeUndefined();
 *   expect(result.output).toEqual({ imported: 3376 });
 *   expect(result.metadata).toMatchObject({ progress: 1 });
 *   expect(result.triggered).toEqual([]);
 * });
 *
 * @example
 * it("reminds a customer who does not answer, once", async () => {
 *   const result = await runTask(onboarding, { email: "ada@example.com" }, {
 *     // Again over the journal at each wait: finds what a lost process would do twice.
 *     replay: true,
 *     onWait: (token) => (token.tags.includes("survey") ? { output: { stars: 5 } } : undefined),
 *     onTrigger: ({ taskId }) => (taskId === "render" ? { output: { pages: 2 } } : undefined),
 *   });
 *   expect(result.waits).toMatchObject([{ kind: "time", ms: 3 * 86_400_000 }, { kind: "token" }, { kind: "child" }]);
 *   expect(mailbox).toHaveLength(1);
 * });
 */
export async function runTask<TTask extends AnyTask>(
  task: TTask,
  payload: TaskPayload<TTask>,
  options: RunTaskOptions = {},
): Promise<RunTaskResult<TaskOutput<TTask>>> {
  const registered = registeredTask(task);
  if (!registered) throw new TypeError("runTask needs the object that task() or schemaTask() returned.");
  // Test files may declare two tasks of one id: the one that was given is meant.
  catalogue().tasks.set(registered.id, registered);
  const restoreEnv = setEnv(options.env ?? {});
  try {
    return await runAttempts(new TestRun(task.id, payload, options, registered.options.retry?.maxAttempts));
  } finally {
    restoreEnv();
  }
}

async function runAttempts<TOutput>(run: TestRun): Promise<RunTaskResult<TOutput>> {
  const delays: number[] = [];
  for (let defers = 0, attempt = run.firstAttempt; ; ) {
    const outcome = await run.execute(attempt);
    const next = run.next(outcome, attempt);
    if (!next || defers > MAX_DEFERS) return { ...run.report(outcome, attempt, delays), ...resultOf<TOutput>(outcome) };
    delays.push(next.delayMs);
    if (next.isDeferred) defers += 1;
    else attempt += 1;
  }
}

/** One run with all its attempts. */
class TestRun {
  readonly firstAttempt: number;
  readonly #taskId: string;
  readonly #payload: unknown;
  readonly #options: RunTaskOptions;
  readonly #maxAttempts: number;
  readonly #host: TestHost;
  readonly #api: TestApi;
  readonly #streams: TestStreams;
  readonly #journal: TestJournal;

  constructor(taskId: string, payload: unknown, options: RunTaskOptions, taskAttempts: number | undefined) {
    this.firstAttempt = options.attempt ?? 1;
    this.#taskId = taskId;
    this.#payload = payload;
    this.#options = options;
    const withRetries = taskAttempts ?? DEFAULT_RETRY.maxAttempts;
    this.#maxAttempts = options.maxAttempts ?? (options.retries ? withRetries : this.firstAttempt);
    this.#host = new TestHost(options.metadata ?? {}, options.drainSignal);
    const clock = { now: Date.now() };
    const tokens = new TestTokens(() => clock.now);
    this.#streams = new TestStreams(TEST_RUN_ID, tokens, options.inputs);
    this.#api = new TestApi(options.onTrigger, tokens, this.#streams);
    const { onWait, replay = false } = options;
    this.#journal = new TestJournal({ api: this.#api, tokens, clock, onWait, replay });
  }

  /** One attempt, in as many passes as it takes. */
  async execute(attempt: number): Promise<TaskOutcome> {
    for (;;) {
      const outcome = await this.#pass(attempt);
      if (outcome === "suspended") continue;
      if (outcome.kind === "failed") this.#journal.reopen(outcome.reopen);
      return outcome;
    }
  }

  async #pass(attempt: number): Promise<TaskOutcome | "suspended"> {
    const snapshot = this.#journal.snapshot();
    const grant = { ...this.#grant(attempt), ...(snapshot && { journal: snapshot }) };
    const { host: journal, suspended } = this.#journal.begin();
    const { signal = new AbortController().signal, replay = false } = this.#options;
    const pass = new TestPass(this.#host, journal, signal, replay);
    const { fetch } = this.#api;
    const config = { baseURL: "http://unit.test", accessToken: "test", requestOptions: { fetch } };
    try {
      return await Promise.race([withAuth(config, () => executeTask(grant, pass, pass.signal)), suspended]);
    } finally {
      pass.end();
      this.#journal.end();
      this.#streams.endReading();
    }
  }

  #grant(attempt: number): Grant {
    return testGrant({
      taskId: this.#taskId,
      payload: this.#payload,
      attempt,
      maxAttempts: this.#maxAttempts,
      metadata: this.#host.own,
      tags: this.#tags,
      parentRunId: this.#options.parentRunId,
    });
  }

  /** What a platform would do after this outcome; undefined when the run has ended. */
  next(outcome: TaskOutcome, attempt: number): { delayMs: number; isDeferred: boolean } | undefined {
    if (outcome.kind !== "failed" || !this.#options.retries) return undefined;
    const { retry } = outcome;
    if (retry.by === "defer") return { delayMs: retry.delayMs, isDeferred: true };
    if (retry.by === "never" || attempt >= this.#maxAttempts) return undefined;
    const policy = registeredPolicy(this.#taskId);
    return { delayMs: retry.by === "after" ? retry.delayMs : retryDelayMs(policy, attempt, 0), isDeferred: false };
  }

  report(outcome: TaskOutcome, attempt: number, delays: number[]): RunTaskReport {
    const { logs, own, parent, root } = this.#host;
    const { triggered } = this.#api;
    const { waits, replays } = this.#journal;
    return {
      outcome,
      attempt,
      delays,
      logs,
      metadata: own,
      parentMetadata: parent,
      rootMetadata: root,
      tags: this.#tags,
      triggered,
      streams: this.#streams.written,
      waits,
      replays,
    };
  }

  get #tags(): string[] {
    return [...new Set([...(this.#options.tags ?? []), ...this.#api.tags])];
  }
}

function registeredPolicy(taskId: string) {
  return catalogue().tasks.get(taskId)?.options.retry ?? {};
}

function resultOf<TOutput>(outcome: TaskOutcome) {
  switch (outcome.kind) {
    case "completed":
      return {
        ok: true as const,
        status: "COMPLETED" as const,
        output: decodeValue(outcome.output, outcome.outputType) as TOutput,
      };
    case "failed":
      return { ok: false as const, status: "FAILED" as const, error: fromWireError(outcome.error) };
    case "crashed":
      return { ok: false as const, status: "CRASHED" as const, error: fromWireError(outcome.error) };
    case "canceled":
      return { ok: false as const, status: "CANCELED" as const };
    case "returned":
      return { ok: false as const, status: "QUEUED" as const };
  }
}

/** Sets variables; gives what puts them back. */
function setEnv(env: Record<string, string>): () => void {
  const before = Object.keys(env).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, env);
  return () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
}
