import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from "node:net";
import { WebSocketServer } from "ws";
import { joinSockets } from "../../support/joined-sockets.ts";
import { nodeAddress } from "./node-address.ts";
import { eventually } from "./patience.ts";

type OnEnd = (end: () => void | Promise<void>) => void;

/** A server on this machine that pods reach, and that remembers who asked it what: it must hear of each effect once. */
export class OutsideWorld {
  readonly #host: string;
  readonly #port: number;
  readonly #onEnd: OnEnd;
  readonly #paths: string[] = [];
  readonly #gates = new Map<string, Promise<unknown>>();

  static async open(onEnd: OnEnd): Promise<OutsideWorld> {
    const server = createServer((request, response) => void world.#answer(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    server.on("upgrade", (request, socket, head) => sockets.handleUpgrade(request, socket, head, () => undefined));
    server.listen(0, "0.0.0.0");
    await once(server, "listening");
    const world = new OutsideWorld(await nodeAddress(), (server.address() as AddressInfo).port, onEnd);
    onEnd(() => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    });
    return world;
  }

  private constructor(host: string, port: number, onEnd: OnEnd) {
    this.#host = host;
    this.#port = port;
    this.#onEnd = onEnd;
  }

  /** An address under which one run's requests are told apart from others'. */
  of(name: string): string {
    return `http://${this.#host}:${this.#port}/${name}`;
  }

  /** What was asked for under that name, in order. */
  heard(name: string): string[] {
    const prefix = `/${name}/`;
    return this.#paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  }

  async untilHeard(name: string, line: string, withinMs?: number): Promise<void> {
    await eventually(`${line} of ${name}`, () => this.heard(name).includes(line) || undefined, withinMs);
  }

  /** Lets nobody go on from that line until the returned function is called. */
  hold(name: string, line: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#gates.set(`/${name}/${line}`, promise);
    return resolve;
  }

  /** A way for pods to a server of this machine's loopback. */
  async wayTo(url: string): Promise<string> {
    const { port, hostname } = new URL(url);
    const open = new Set<Socket>();
    const server = createTcpServer((from) => {
      const to = connect(Number(port), hostname);
      joinSockets(from, to, open);
    }).listen(0, "0.0.0.0");
    await once(server, "listening");
    this.#onEnd(() => {
      server.close();
      for (const socket of open) socket.destroy();
    });
    const way = new URL(url);
    way.hostname = this.#host;
    way.port = String((server.address() as AddressInfo).port);
    return String(way);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "";
    this.#paths.push(path);
    request.resume();
    if (path.endsWith("/endless")) return void response.writeHead(200).write("first");
    await this.#gates.get(path);
    response.end(`heard ${path.slice(path.lastIndexOf("/") + 1)}`);
  }
}
