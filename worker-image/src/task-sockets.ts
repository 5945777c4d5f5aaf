import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readMessages } from "./line-protocol.ts";
import type { OsDifferences } from "./os-differences.ts";
import type { FromTaskProcess } from "./process-messages.ts";

/** Who a connection belongs to: told by the key in its first line. */
export interface TaskPeer {
  connected(socket: Socket, hello: Extract<FromTaskProcess, { t: "hello" }>): void;
  received(message: FromTaskProcess): void;
  disconnected(socket: Socket): void;
}

/** The named socket on which a runner's task processes call in. */
export class TaskSockets {
  readonly path: string;
  readonly #server: Server;
  readonly #peers = new Map<string, TaskPeer>();
  readonly #ownDir: string | undefined;
  readonly #sockets = new Set<Socket>();
  /** Where processes of other runners look for theirs. */
  readonly #others = new Map<string, Server>();

  private constructor(path: string, ownDir: string | undefined) {
    this.path = path;
    this.#ownDir = ownDir;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async listen(dir: string, name: string, os: OsDifferences): Promise<TaskSockets> {
    const inDir = os.socketPath(dir, name);
    const ownDir = inDir === undefined ? await mkdtemp(join(tmpdir(), "gantry-")) : undefined;
    const path = inDir ?? join(ownDir as string, name);
    if (os.socketIsFile) await rm(path, { force: true });
    const sockets = new TaskSockets(path, ownDir);
    await listening(sockets.#server, path);
    return sockets;
  }

  /** Listens on another path too: a process that was brought back knows its own runner's. */
  async listenAlsoAt(path: string): Promise<void> {
    if (path === this.path || this.#others.has(path)) return;
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    const server = createServer((socket) => this.#accept(socket));
    this.#others.set(path, server);
    await listening(server, path);
  }

  expect(key: string, peer: TaskPeer): void {
    this.#peers.set(key, peer);
  }

  forget(key: string): void {
    this.#peers.delete(key);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    const servers = [this.#server, ...this.#others.values()];
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    if (this.#ownDir !== undefined) await rm(this.#ownDir, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    let peer: TaskPeer | undefined;
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      peer?.disconnected(socket);
    });
    readMessages<FromTaskProcess>(socket, (message) => {
      if (peer) return peer.received(message);
      peer = message.t === "hello" ? this.#peers.get(message.key) : undefined;
      if (!peer || message.t !== "hello") return void socket.destroy();
      peer.connected(socket, message);
    });
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve());
  });
}
