import { once } from "node:events";
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";

/** A message of the worker channel: see the worker protocol. */
export interface Message {
  type: string;
  id?: string;
  [field: string]: unknown;
}

/** What is on its way between a runner and the platform. */
export type Passage =
  | { kind: "said"; message: Message }
  | { kind: "replied"; to: Message; message: Message }
  | { kind: "http"; method: string; path: string };

/** What becomes of it: it goes on; its connection breaks, and it is lost; for HTTP, a status in the platform's place. */
export type Fate = "pass" | "cut" | number;

/** A passage that is held until the test says what becomes of it. What follows it on its connection is held too. */
export interface Met {
  passage: Passage;
  let(fate: Fate): void;
}

/** Between runners and a platform, so that a test decides what arrives, and when. */
export class WorkerProxy {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: 2 ** 26 });
  readonly #links = new Set<WebSocket>();
  #upstream = new URL("http://127.0.0.1:1");
  #decide: (passage: Passage) => Fate | Promise<Fate> = () => "pass";

  static async open(): Promise<WorkerProxy> {
    const proxy = new WorkerProxy();
    proxy.#server.listen(0, "0.0.0.0");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor() {
    this.#server = createServer((incoming, answer) => void this.#serve(incoming, answer));
    this.#server.on("upgrade", (incoming, socket, head) => this.#link(incoming, socket, head));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where the platform is. */
  set upstream(url: string) {
    this.#upstream = new URL(url);
  }

  /** What becomes of everything from now on, until `relent`. */
  rule(decide: (passage: Passage) => Fate | Promise<Fate>): void {
    this.#decide = decide;
  }

  relent(): void {
    this.#decide = () => "pass";
  }

  /** Resolves with the next passage that fits; all others pass, those that fit later too. */
  meet(fits: (passage: Passage) => boolean): Promise<Met> {
    return new Promise((resolve) => {
      this.#decide = (passage) => {
        if (!fits(passage)) return "pass";
        this.relent();
        return new Promise((decided) => resolve({ passage, let: decided }));
      };
    });
  }

  async close(): Promise<void> {
    for (const link of this.#links) link.terminate();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const { method = "", url: path = "", headers } = incoming;
    const fate = await this.#decide({ kind: "http", method, path });
    if (fate === "cut") return void incoming.socket.destroy();
    if (typeof fate === "number") {
      incoming.resume();
      const body = { error: "The test refuses it.", code: fate >= 500 ? "STORE_UNAVAILABLE" : "LIMIT_EXCEEDED" };
      return void answer.writeHead(fate, { "content-type": "application/json" }).end(JSON.stringify(body));
    }
    const { hostname, port, host } = this.#upstream;
    const outgoing = request({ hostname, port, method, path, headers: { ...headers, host } }, (reply) => {
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      reply.pipe(answer);
    });
    outgoing.on("error", () => answer.destroy());
    answer.on("close", () => outgoing.destroy());
    incoming.pipe(outgoing);
  }

  #link(incoming: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(incoming.url ?? "", this.#upstream.href.replace(/^http/, "ws"));
    const authorization = incoming.headers.authorization ?? "";
    const platform = new WebSocket(url, { headers: { authorization }, perMessageDeflate: false });
    platform.on("unexpected-response", (_request, { statusCode }) =>
      socket.end(`HTTP/1.1 ${statusCode} Refused\r\n\r\n`),
    );
    platform.on("error", () => socket.destroy());
    platform.on("open", () =>
      this.#sockets.handleUpgrade(incoming, socket, head, (runner) => this.#relay(runner, platform)),
    );
  }

  #relay(runner: WebSocket, platform: WebSocket): void {
    const asked = new Map<string, Message>();
    const said = (message: Message): Passage => {
      if (message.id !== undefined) asked.set(message.id, message);
      return { kind: "said", message };
    };
    const replied = (message: Message): Passage | undefined => {
      const to = message.type === "reply" ? asked.get(message.id ?? "") : undefined;
      return to && { kind: "replied", to, message };
    };
    for (const [from, to, passage] of [
      [runner, platform, said],
      [platform, runner, replied],
    ] as const) {
      this.#links.add(from);
      from.on("error", () => undefined);
      from.on("ping", () => to.ping());
      from.on("close", () => {
        this.#links.delete(from);
        to.terminate();
      });
      this.#forward(from, to, passage);
    }
  }

  /** One message after the other, in their order. */
  #forward(from: WebSocket, to: WebSocket, passageOf: (message: Message) => Passage | undefined): void {
    let last = Promise.resolve();
    from.on("message", (data) => {
      for (const message of JSON.parse(String(data)) as Message[]) {
        last = last.then(async () => {
          const passage = passageOf(message);
          const fate = passage === undefined ? "pass" : await this.#decide(passage);
          if (fate === "cut") for (const link of [from, to]) link.terminate();
          else if (to.readyState === WebSocket.OPEN) to.send(JSON.stringify([message]));
        });
      }
    });
  }
}
