import type { CompletionVerdict, Grant, RestoreGrant, RunEvent } from "@gantry/sdk/contract";
import { MACHINE_PRESETS } from "@gantry/sdk/contract";
import type { RunnerCheckpoints } from "../../src/checkpoint/runner-checkpoints.ts";
import { Execution } from "../../src/execution.ts";
import { osDifferences } from "../../src/os-differences.ts";
import type { Reply, Request } from "../../src/platform-link.ts";
import { ProcessPool } from "../../src/process-pool.ts";
import type { BroughtBack } from "../../src/restore/bring-back.ts";
import { TaskSockets } from "../../src/task-sockets.ts";
import type { FakeJournal } from "./fake-journal.ts";

type Sent<T extends Request["type"]> = Extract<Request, { type: T }>;
type Body = Omit<Reply, "type" | "id">;

export interface PartsOptions {
  dir: string;
  programFile: string;
  entry: string;
  journal: FakeJournal;
  /** Of its task processes, besides PATH. */
  env?: NodeJS.ProcessEnv;
  checkpoints?: RunnerCheckpoints;
  bringBack?: (restore: RestoreGrant, signal: AbortSignal) => Promise<BroughtBack>;
}

/** A runner's pool and executions in this process, with a platform that is a function. */
export class RunnerParts {
  readonly sent: Request[] = [];
  /** Asked first; "silence" leaves the request unanswered until `answer` is called. */
  onRequest: (request: Request) => Body | "silence" | undefined = () => undefined;
  onComplete: (complete: Sent<"complete">) => CompletionVerdict = () => ({ kind: "done", status: "COMPLETED" });
  startedAt: number | undefined;
  readonly ended: string[] = [];
  readonly sockets: TaskSockets;
  readonly pool: ProcessPool;
  readonly #options: PartsOptions;
  readonly #silent: ((body: Body) => void)[] = [];
  #waiting = new Set<() => void>();

  private constructor(options: PartsOptions, sockets: TaskSockets) {
    this.#options = options;
    this.sockets = sockets;
    const { dir, programFile, entry } = options;
    this.pool = new ProcessPool({
      boot: {
        programFile,
        cwd: dir,
        env: { PATH: process.env.PATH, ...options.env },
        runsDir: dir,
        process: { apiUrl: "http://127.0.0.1:9", keepAlive: false, stalledAfterMs: 60_000, watches: true },
        compileCacheDir: undefined,
        begin: { entry, variables: {} },
        isAlone: false,
        sockets,
        os: osDifferences(process.platform),
        killGraceMs: 2_000,
        checkpoints: undefined,
      },
      machine: MACHINE_PRESETS["small-1x"],
      poolSize: 0,
      bootsAtOnce: 1,
      maxProcesses: 2,
      bootTimeoutMs: 30_000,
      keepAlive: false,
      log: () => undefined,
    });
  }

  static async start(options: PartsOptions, name: string): Promise<RunnerParts> {
    return new RunnerParts(options, await TaskSockets.listen(options.dir, name, osDifferences(process.platform)));
  }

  execution(grant: Grant): Execution {
    const execution = new Execution(grant, {
      pool: this.pool,
      keepAlive: false,
      cancelGraceMs: 5_000,
      blockedAfterMs: 60_000,
      isHeldToMemory: true,
      node: "node-here",
      checkpoints: this.#options.checkpoints,
      bringBack: this.#options.bringBack ?? (() => Promise.reject(new Error("nothing is stored"))),
      request: (request) => this.#request(request),
      started: ({ at }) => (this.startedAt = at),
      reportsWaiting: (each) => each.sendReports(),
      capacityChanged: () => undefined,
      ended: ({ id }) => {
        this.ended.push(id);
        this.#wake();
      },
    });
    execution.begin();
    return execution;
  }

  /** Answers the oldest request that was left unanswered. */
  answer(body: Body): void {
    this.#silent.shift()?.(body);
  }

  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  of<T extends Request["type"]>(type: T): Sent<T>[] {
    return this.sent.filter((each) => each.type === type) as Sent<T>[];
  }

  request<T extends Request["type"]>(type: T, is: (request: Sent<T>) => boolean = () => true): Promise<Sent<T>> {
    return this.until(() => this.of(type).find(is));
  }

  get events(): RunEvent[] {
    return this.of("events").flatMap(({ events }) => events);
  }

  async close(): Promise<void> {
    this.pool.killAll();
    await this.pool.close();
    await this.sockets.close();
  }

  #request(request: Request): Promise<Reply> {
    this.sent.push(request);
    queueMicrotask(() => this.#wake());
    const body = this.onRequest(request) ?? this.#answer(request);
    const reply = (told: Body): Reply => ({ type: "reply", id: "1", ...told });
    if (body !== "silence") return Promise.resolve(reply(body));
    return new Promise((resolve) => this.#silent.push((told) => resolve(reply(told))));
  }

  #answer(request: Request): Body {
    const { journal } = this.#options;
    switch (request.type) {
      case "journal":
        return journal.append(request.known, request.entries);
      case "park":
        return journal.park(request);
      case "restored":
        return { restored: { granted: true } };
      case "complete":
        return { verdict: this.onComplete(request) };
      default:
        return {};
    }
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
