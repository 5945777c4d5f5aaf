import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Socket as ServerSocket, Server as SocketServer } from "socket.io";
import {
  type LiveRun,
  REALTIME_NAMESPACE,
  REALTIME_PATH,
  type RealtimeAnswer,
  type RealtimeClientEvents,
  type RealtimeServerEvents,
  type StreamChunk,
  type SubscribeRequest,
} from "../src/contract/realtime.ts";

type Socket = ServerSocket<RealtimeClientEvents, RealtimeServerEvents>;

/** A real Socket.IO server on a real HTTP server, which says what a test tells it to. */
export class FakeRealtime {
  readonly url: string;
  readonly subscribed: SubscribeRequest[] = [];
  readonly tokens: string[] = [];
  /** Paths of REST requests. */
  readonly asked: string[] = [];
  /** Ids of subscriptions that were taken back. */
  readonly unsubscribed: string[] = [];
  sockets = new Set<Socket>();
  /** Whether WebSockets are let through. */
  isOpen = true;
  letIn: (token: string) => { code: string; message: string } | undefined = () => undefined;
  onSubscribe: (request: SubscribeRequest, socket: Socket) => RealtimeAnswer = () => ({ ok: true });
  onRead: (request: { id: string; from: number | "latest" }, socket: Socket) => void = () => undefined;
  onTaken: (taken: { id: string; next: number }, socket: Socket) => void = () => undefined;
  onRenew: (token: string) => RealtimeAnswer = () => ({ ok: true });
  rest: (path: string, response: ServerResponse, token: string) => void = (_path, response) =>
    void response.writeHead(404).end("{}");
  readonly #server: Server;
  readonly #io: SocketServer;

  static async start(): Promise<FakeRealtime> {
    const server = createServer((request, response) => fake.#answer(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const fake = new FakeRealtime(server);
    return fake;
  }

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#io = new SocketServer(server, {
      path: REALTIME_PATH,
      transports: ["websocket"],
      allowRequest: (_request, done) => done(null, this.isOpen),
    });
    const namespace = this.#io.of(REALTIME_NAMESPACE);
    namespace.use((socket, next) => {
      const token = String(socket.handshake.auth.token);
      this.tokens.push(token);
      const refusal = this.letIn(token);
      next(refusal && Object.assign(new Error(refusal.message), { data: refusal }));
    });
    namespace.on("connection", (socket: Socket) => this.#onSocket(socket));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.asked.push(path);
    this.rest(path, response, (request.headers.authorization ?? "").replace("Bearer ", ""));
  }

  #onSocket(socket: Socket): void {
    this.sockets.add(socket);
    socket.on("disconnect", () => this.sockets.delete(socket));
    socket.on("subscribe", (request, answer) => {
      this.subscribed.push(request);
      answer(this.onSubscribe(request, socket));
    });
    socket.on("unsubscribe", ({ id }) => this.unsubscribed.push(id));
    socket.on("readStream", (request, answer) => {
      answer({ ok: true });
      this.onRead(request, socket);
    });
    socket.on("streamTaken", (taken) => this.onTaken(taken, socket));
    socket.on("renew", ({ token }, answer) => {
      this.tokens.push(token);
      answer(this.onRenew(token));
    });
  }

  /** Breaks every connection as a network does. */
  cut(): void {
    for (const socket of this.sockets) socket.conn.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#io.close();
    this.#server.closeAllConnections();
  }
}

export function liveRun(fields: Partial<LiveRun> = {}): LiveRun {
  const status = fields.status ?? "EXECUTING";
  return {
    id: "run_1",
    status,
    taskIdentifier: "import",
    isQueued: false,
    isExecuting: status === "EXECUTING",
    isWaiting: false,
    isCompleted: status === "COMPLETED" || status === "FAILED",
    isSuccess: status === "COMPLETED",
    isFailed: status === "FAILED",
    isCancelled: false,
    isTest: false,
    createdAt: "2026-01-01T00:00:00.000Z",
    updatedAt: "2026-01-01T00:00:01.000Z",
    tags: [],
    costInCents: 0,
    baseCostInCents: 0,
    durationMs: 0,
    depth: 0,
    triggerFunction: "trigger",
    attemptCount: 1,
    revision: 1,
    env: { id: "env_1", name: "prod" },
    ...fields,
  };
}

export function chunk(index: number, value: unknown = index): StreamChunk {
  return { index, data: JSON.stringify(value), at: "2026-01-01T00:00:00.000Z" };
}
