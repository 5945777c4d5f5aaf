import {
  type PlatformMessage,
  type RunnerMessage,
  type RunnerRequest,
  runnerMessageSchema,
} from "@gantry/sdk/contract";
import type { WebSocket } from "ws";
import type { WorkerLink, WorkerService } from "../cluster/worker-service.ts";
import { AppError, ERRORS } from "../errors.ts";

type Reply = Extract<PlatformMessage, { type: "reply" }>;
type ReplyBody = Omit<Reply, "type" | "id">;
type ReplyError = NonNullable<Reply["error"]>;

export interface ConnectionSurroundings {
  workers: WorkerService;
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  welcome: { heartbeatMs: number; leaseTtlMs: number; maxOfflineMs: number };
}

/** Requests in hand at which no more frames are read, and at which reading goes on. */
const PAUSE_AT = 4_000;
const RESUME_AT = 1_000;
/** A runner that does not read this much is cut off: it comes again and is told what matters. */
const MAX_UNSENT_BYTES = 128 * 1024 * 1024;
const FRAME_CHARACTERS = 4 * 1024 * 1024;

/** Requests of one execution that are being carried out one after another. */
interface Lane {
  tail: Promise<unknown>;
  /** Set once one of them failed in a way that may pass: those behind it must not overtake its next try. */
  failure: ReplyError | undefined;
}

/** One runner's connection: reads its messages, keeps each execution's in order, answers, and is the engine's link to it. */
export class WorkerConnection implements WorkerLink {
  readonly workerId: string;
  readonly environmentId: number;
  readonly deploymentId: string;
  readonly executionId?: string;
  readonly #socket: WebSocket;
  readonly #around: ConnectionSurroundings;
  readonly #lanes = new Map<string, Lane>();
  #outgoing: string[] = [];
  #isScheduled = false;
  #inHand = 0;
  #granted = 0;
  #heardAt = performance.now();
  /** Settles when the hello was answered; what comes before that waits. */
  #hello: Promise<unknown> | undefined;
  #isWelcome = false;
  #isClosed = false;

  constructor(
    socket: WebSocket,
    worker: { workerId: string; environmentId: number; deploymentId: string; executionId?: string },
    around: ConnectionSurroundings,
  ) {
    this.workerId = worker.workerId;
    this.environmentId = worker.environmentId;
    this.deploymentId = worker.deploymentId;
    if (worker.executionId !== undefined) this.executionId = worker.executionId;
    this.#socket = socket;
    this.#around = around;
    socket.on("message", (data) => this.#read(String(data)));
    socket.on("pong", () => (this.#heardAt = performance.now()));
    socket.on("error", (error) => around.log.warn({ workerId: this.workerId, err: error }, "worker connection failed"));
    socket.on("close", () => this.#closed());
  }

  // ── the engine's side ──

  send(message: PlatformMessage): void {
    if (this.#isClosed) return;
    if (message.type === "grant") {
      this.#granted += message.grants.length;
      // One by one, so that a frame is not longer than it must be: payloads may be megabytes.
      for (const grant of message.grants) this.#queue({ type: "grant", grants: [grant] });
    } else this.#queue(message);
  }

  close(reason: string): void {
    if (this.#isClosed) return;
    this.#flush();
    this.#socket.close(1001, reason.slice(0, 120));
    this.#closed();
  }

  /** Pings, and ends a connection that has been silent for too long. */
  checkLiveness(silentAfterMs: number): void {
    if (performance.now() - this.#heardAt > silentAfterMs) return this.#socket.terminate();
    this.#socket.ping();
  }

  // ── messages from the runner ──

  #read(text: string): void {
    this.#heardAt = performance.now();
    const messages = parseFrame(text);
    if (!messages) return this.#socket.close(1007, "a frame must be a JSON array of messages");
    for (const message of messages) this.#receive(message);
  }

  #receive(raw: unknown): void {
    const { success, data: message, error } = runnerMessageSchema.safeParse(raw);
    if (!success) return this.#refuse(raw, error);
    if (message.type === "hello") return this.#greet(message);
    if (this.#isWelcome) return this.#dispatch(message);
    if (!this.#hello) return this.#socket.close(1002, "say hello first");
    void this.#hello.then(() => this.#dispatch(message));
  }

  #greet(message: Extract<RunnerMessage, { type: "hello" }>): void {
    if (message.workerId !== this.workerId) return this.#socket.close(1008, "the token is another worker's");
    this.#hello ??= this.#carryOut(message.id, async () => {
      const { fenced } = await this.#around.workers.hello(this, message);
      this.#isWelcome = true;
      return { welcome: { ...this.#around.welcome, fenced } };
    });
  }

  #dispatch(message: Exclude<RunnerMessage, { type: "hello" }>): void {
    if (this.#isClosed) return;
    const { workers } = this.#around;
    switch (message.type) {
      case "capacity": {
        const onTheirWay = message.granted === undefined ? 0 : this.#granted - message.granted;
        return workers.capacity(this, Math.max(0, message.free - onTheirWay));
      }
      case "started":
        return workers.started(this, message);
      case "node":
        return workers.node(this, message);
      // Asked for while the process still sends what it has: nothing waits for the other.
      case "checkpoint":
        return void this.#carryOut(message.id, async () => ({ checkpoint: await workers.checkpoint(this, message) }));
      case "restored":
        return this.#inOrder(message, async () => ({ restored: await workers.restored(this, message) }));
      case "heartbeat":
        return void this.#carryOut(message.id, async () => ({ beat: await workers.heartbeat(this, message) }));
      case "journal":
        return this.#inOrder(message, async () => ({ journal: await workers.journal(this, message) }));
      case "park":
        return this.#inOrder(message, async () => ({ park: await workers.park(this, message) }));
      case "complete":
        return this.#inOrder(message, async () => ({ verdict: await workers.complete(this, message) }));
      case "events":
        return this.#inOrder(message, () => workers.events(this, message).then(() => ({})));
      case "metadata":
        return this.#inOrder(message, () => workers.metadata(this, message).then(() => ({})));
    }
  }

  /** Carries out requests of one execution one after another; the common case, nothing before it, costs no wait. */
  #inOrder(request: RunnerRequest & { executionId: string }, handle: () => Promise<ReplyBody>): void {
    const existing = this.#lanes.get(request.executionId);
    const lane: Lane = existing ?? { tail: Promise.resolve(), failure: undefined };
    const step = async () => {
      if (lane.failure) return this.#reply(request.id, { error: lane.failure });
      lane.failure = await this.#carryOut(request.id, handle);
    };
    const tail = (existing ? lane.tail.then(step) : step()).then(() => {
      if (lane.tail === tail) this.#lanes.delete(request.executionId);
    });
    lane.tail = tail;
    this.#lanes.set(request.executionId, lane);
  }

  /** Answers the request. Returns the error where it may pass. */
  async #carryOut(id: string, handle: () => Promise<ReplyBody>): Promise<ReplyError | undefined> {
    this.#take();
    try {
      this.#reply(id, await handle());
      return undefined;
    } catch (thrown) {
      const error = this.#describe(thrown);
      this.#reply(id, { error });
      return error.retryable ? error : undefined;
    } finally {
      this.#done();
    }
  }

  #describe(thrown: unknown): ReplyError {
    if (thrown instanceof AppError)
      return { code: thrown.code, message: thrown.message, retryable: ERRORS[thrown.code].retryable };
    this.#around.log.error({ workerId: this.workerId, err: thrown }, "a worker's request failed");
    return { code: "INTERNAL", message: "The platform could not carry this out; its log says why.", retryable: true };
  }

  #refuse(raw: unknown, error: { message: string }): void {
    this.#around.log.warn(
      { workerId: this.workerId, problem: error.message },
      "a worker sent a message that breaks the protocol",
    );
    const id = (raw as { id?: unknown } | null)?.id;
    if (typeof id === "string") {
      this.#reply(id, {
        error: { code: "VALIDATION_FAILED", message: "The message breaks the worker protocol.", retryable: false },
      });
    }
  }

  // ── answers ──

  #reply(id: string, body: ReplyBody): void {
    this.#queue({ type: "reply", id, ...body });
  }

  #queue(message: PlatformMessage): void {
    if (this.#isClosed) return;
    this.#outgoing.push(JSON.stringify(message));
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const outgoing = this.#outgoing;
    this.#outgoing = [];
    if (this.#isClosed) return;
    for (const frame of frames(outgoing)) this.#socket.send(frame);
    if (this.#socket.bufferedAmount > MAX_UNSENT_BYTES) this.#socket.terminate();
  }

  // ── back-pressure ──

  #take(): void {
    this.#inHand += 1;
    if (this.#inHand === PAUSE_AT) this.#socket.pause();
  }

  #done(): void {
    this.#inHand -= 1;
    if (this.#inHand === RESUME_AT && this.#socket.isPaused) this.#socket.resume();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#hello) void this.#hello.then(() => this.#around.workers.disconnected(this));
  }
}

function parseFrame(text: string): unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** JSON arrays of the messages, each about FRAME_CHARACTERS long at most unless one message alone is longer. */
function* frames(messages: string[]): Generator<string> {
  let from = 0;
  let characters = 0;
  for (let i = 0; i < messages.length; i++) {
    const { length } = messages[i] as string;
    if (i > from && characters + length > FRAME_CHARACTERS) {
      yield `[${messages.slice(from, i).join(",")}]`;
      from = i;
      characters = 0;
    }
    characters += length;
  }
  if (from < messages.length) yield `[${messages.slice(from).join(",")}]`;
}
