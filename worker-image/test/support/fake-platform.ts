import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type {
  AttemptOutcome,
  CompletionVerdict,
  Grant,
  PlatformMessage,
  RestoreGrant,
  RunEvent,
  RunnerMessage,
  WorkerStart,
  WorkerStartBody,
} from "@gantry/sdk/contract";
import { MACHINE_PRESETS, WORKER_CHANNEL_PATH, WORKER_START_PATH } from "@gantry/sdk/contract";
import { type WebSocket, WebSocketServer } from "ws";
import { freePort } from "../../../platform/test/support/free-port.ts";
import { FakeCheckpoints } from "./fake-checkpoints.ts";
import { FakeJournal } from "./fake-journal.ts";

type Message<T extends RunnerMessage["type"]> = Extract<RunnerMessage, { type: T }>;
/** A request for a worker's credentials: its token and what it said. */
export interface StartRequest {
  token: string | undefined;
  body: WorkerStartBody;
}
type ReplyBody = Omit<Extract<PlatformMessage, { type: "reply" }>, "type" | "id">;

/** The platform's end of the worker protocol, on a real WebSocket, as a test scripts it. */
export class FakePlatform {
  readonly received: RunnerMessage[] = [];
  /** Connections that were welcomed, so far. */
  connections = 0;
  /** HTTP status with which connections are refused. */
  refuseWith: number | undefined;
  onHello: (hello: Message<"hello">) => string[] = () => [];
  onHeartbeat: (beat: Message<"heartbeat">) => { fenced: string[]; cancel: string[] } = () => ({
    fenced: [],
    cancel: [],
  });
  /** By execution: made with its first request. */
  readonly journals = new Map<string, FakeJournal>();
  /** Whether a heartbeat's answer names executions with news. */
  repairsWakes = true;
  /** Undefined leaves the request unanswered. */
  onComplete: (complete: Message<"complete">) => CompletionVerdict | undefined = () => ({
    kind: "done",
    status: "COMPLETED",
  });
  /** Asked for each request first: a reply in place of the usual one, or "silence". */
  onRequest: (message: RunnerMessage) => ReplyBody | "silence" | undefined = () => undefined;
  /** Exchanges, so far. */
  readonly starts: StartRequest[] = [];
  /** A status with an error's code, or "cut": carried out, but the answer is lost. */
  onStart: (request: StartRequest) => WorkerStart | { status: number; code: string } | "cut" = () => startOf();
  /** The tokens of the connections that were made. */
  readonly tokens: (string | undefined)[] = [];
  /** Of stored processes, where they were begun here. */
  readonly checkpoints = new FakeCheckpoints();
  heartbeatMs = 200;
  maxOfflineMs = 600_000;
  #server: Server | undefined;
  #port = 0;
  /** The latest one's; of several runners the others are only heard and answered. */
  #socket: WebSocket | undefined;
  readonly #sockets = new Set<WebSocket>();
  #waiting = new Set<() => void>();

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.#exchange(request, response));
    const sockets = new WebSocketServer({ noServer: true, maxPayload: 64 * 1024 * 1024 });
    server.on("upgrade", (request, socket, head) => {
      if (this.refuseWith !== undefined || request.url !== WORKER_CHANNEL_PATH) {
        return socket.end(`HTTP/1.1 ${this.refuseWith ?? 404} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      }
      this.tokens.push(bearer(request));
      sockets.handleUpgrade(request, socket, head, (accepted) => this.#accept(accepted));
    });
    // Nobody else is to have it while this one is away.
    this.#port ||= await freePort();
    server.listen(this.#port, "127.0.0.1");
    await once(server, "listening");
    this.#server = server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Cuts the connection and takes no new one until `listen` is called again. */
  async goAway(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    this.disconnect();
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  disconnect(): void {
    for (const socket of this.#sockets) socket.terminate();
    this.#socket = undefined;
  }

  push(message: PlatformMessage): void {
    this.#socket?.send(JSON.stringify([message]));
  }

  grant(...grants: Grant[]): void {
    this.push({ type: "grant", grants });
  }

  /** Waits until the condition holds; looked at again after each message. */
  async until<T>(condition: () => T | undefined | false): Promise<T> {
    for (;;) {
      const value = condition();
      if (value !== undefined && value !== false) return value;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  of<T extends RunnerMessage["type"]>(type: T): Message<T>[] {
    return this.received.filter((message) => message.type === type) as Message<T>[];
  }

  message<T extends RunnerMessage["type"]>(
    type: T,
    is: (message: Message<T>) => boolean = () => true,
  ): Promise<Message<T>> {
    return this.until(() => this.of(type).find(is));
  }

  /** The run's journal; `of` another execution's, where the run has left that one. */
  journal(executionId: string, of?: string): FakeJournal {
    const known = this.journals.get(of ?? executionId);
    const journal = known ?? new FakeJournal(() => this.push({ type: "wake", executionId }));
    this.journals.set(executionId, journal);
    return journal;
  }

  /** The execution's last `park`, once there is one with this reason. */
  parked(executionId: string, reason: Message<"park">["reason"]): Promise<Message<"park">> {
    return this.message("park", (each) => each.executionId === executionId && each.reason === reason);
  }

  async outcome(executionId: string, attempt = 1): Promise<AttemptOutcome> {
    const complete = await this.message(
      "complete",
      (each) => each.executionId === executionId && each.attempt === attempt,
    );
    return complete.outcome;
  }

  started(executionId: string): Promise<Message<"started">> {
    return this.message("started", (each) => each.executionId === executionId);
  }

  /** Events of an execution in order, each batch once. */
  events(executionId: string): RunEvent[] {
    const batches = new Map(
      this.of("events")
        .filter((each) => each.executionId === executionId)
        .map((each) => [each.batch, each]),
    );
    return [...batches.values()].flatMap((batch) => batch.events);
  }

  event(executionId: string, text: string): Promise<RunEvent> {
    return this.until(() => this.events(executionId).find((event) => event.message.includes(text)));
  }

  /** What the next grant of the run carries: its process as the last `park` of this execution named it. */
  restoreOf(executionId: string): RestoreGrant {
    const parks = this.of("park").filter((each) => each.executionId === executionId && each.checkpoint);
    const park = parks.at(-1);
    if (!park?.checkpoint) throw new Error(`${executionId} has stored no process`);
    const { dumpMs: _, storeMs: __, ...stored } = park.checkpoint;
    return { ...stored, known: park.known, key: this.checkpoints.keyOf(stored.checkpointId) };
  }

  async #exchange(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (await this.checkpoints.serve(request, response)) return this.#wake();
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString()) as WorkerStartBody;
    const start: StartRequest = { token: bearer(request), body };
    const isStart = request.method === "POST" && request.url === WORKER_START_PATH;
    if (isStart) this.starts.push(start);
    const answer = isStart ? this.onStart(start) : { status: 404, code: "NOT_FOUND" };
    this.#wake();
    if (answer === "cut") return void response.destroy();
    const [status, reply] =
      "status" in answer ? [answer.status, { error: `refused: ${answer.code}`, code: answer.code }] : [200, answer];
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(reply));
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #accept(socket: WebSocket): void {
    this.#socket = socket;
    this.#sockets.add(socket);
    socket.on("close", () => this.#sockets.delete(socket));
    socket.on("error", () => undefined);
    socket.on("message", (data) => {
      for (const message of JSON.parse(String(data)) as RunnerMessage[]) this.#receive(socket, message);
      this.#wake();
    });
  }

  #receive(socket: WebSocket, message: RunnerMessage): void {
    this.received.push(message);
    if (!("id" in message)) return;
    const body = this.onRequest(message) ?? this.#answer(message);
    if (body === undefined || body === "silence") return;
    socket.send(JSON.stringify([{ type: "reply", id: message.id, ...body }]));
    if (message.type === "hello") this.connections += 1;
  }

  #news({ executions }: Message<"heartbeat">): string[] {
    if (!this.repairsWakes) return [];
    return executions
      .filter((each) => each.known !== undefined && this.journals.get(each.executionId)?.isNewsFor(each))
      .map(({ executionId }) => executionId);
  }

  #answer(message: RunnerMessage): ReplyBody | undefined {
    if (message.type === "hello") {
      const { heartbeatMs, maxOfflineMs } = this;
      return { welcome: { heartbeatMs, leaseTtlMs: 15_000, maxOfflineMs, fenced: this.onHello(message) } };
    }
    if (message.type === "heartbeat") return { beat: { ...this.onHeartbeat(message), wake: this.#news(message) } };
    if (message.type === "journal") return this.journal(message.executionId).append(message.known, message.entries);
    if (message.type === "park") return this.journal(message.executionId).park(message);
    if (message.type === "checkpoint") return { checkpoint: this.checkpoints.begin() };
    if (message.type === "restored") return { restored: { granted: true } };
    if (message.type !== "complete") return {};
    const verdict = this.onComplete(message);
    return verdict && { verdict };
  }
}

function bearer(request: IncomingMessage): string | undefined {
  return /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
}

/** The answer to an exchange. */
export function startOf(overrides: Partial<WorkerStart> = {}): WorkerStart {
  return {
    workerId: "worker_pod",
    workerToken: "token-of-the-channel",
    executionId: "execution_pod",
    machine: MACHINE_PRESETS["small-1x"],
    entry: "entry.mjs",
    variables: {},
    ...overrides,
  };
}

/** A grant for the task, all the rest filled in. */
export function grantOf(
  taskId: string,
  overrides: Partial<Omit<Grant, "run">> & { payload?: unknown; run?: Partial<Grant["run"]> } = {},
): Grant {
  const executionId = overrides.executionId ?? `execution_${Math.random().toString(36).slice(2)}`;
  const { payload, run, ...rest } = overrides;
  return {
    executionId,
    fence: "7.1",
    attempt: 1,
    runToken: "run-token",
    queue: { id: "queue_1", name: `task/${taskId}` },
    machine: MACHINE_PRESETS["small-1x"],
    environment: { id: "env_1", slug: "dev", type: "DEVELOPMENT" },
    project: { id: "1", ref: "demo", name: "Demo" },
    deployment: { id: "deployment_1", version: "20261121.1" },
    ...rest,
    run: {
      id: `run_${executionId}`,
      taskId,
      payload: JSON.stringify(payload ?? {}),
      payloadType: "application/json",
      tags: [],
      isTest: false,
      createdAt: 0,
      startedAt: 0,
      maxAttempts: 1,
      priority: 0,
      depth: 0,
      version: "20261121.1",
      ...run,
    },
  };
}
