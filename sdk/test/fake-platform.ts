import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** What a test wants to know of a request that arrived. */
export interface Arrived {
  method: string;
  /** Path and query. */
  path: string;
  headers: IncomingHttpHeaders;
  text: string;
}

/** How to answer: a reply, or `hangUp` (the connection is cut after the request was read), or `silence` (no answer ever). */
export type Answer =
  | { status?: number; json?: unknown; text?: string; headers?: Record<string, string> }
  | "hangUp"
  | "silence";

/** A real HTTP server for the client's tests; answers in the order given, the last answer again and again. */
export class FakePlatform {
  readonly arrived: Arrived[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(answer: (request: Arrived, count: number) => Answer): Promise<FakePlatform> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const arrived: Arrived = {
          method: request.method ?? "",
          path: request.url ?? "",
          headers: request.headers,
          text: Buffer.concat(chunks).toString(),
        };
        platform.arrived.push(arrived);
        const reply = answer(arrived, platform.arrived.length);
        if (reply === "silence") return;
        if (reply === "hangUp") return void request.socket.destroy();
        response.writeHead(reply.status ?? 200, { "content-type": "application/json", ...reply.headers });
        response.end(reply.text ?? JSON.stringify(reply.json ?? {}));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const platform = new FakePlatform(server);
    return platform;
  }

  json(index = 0): Record<string, unknown> {
    return JSON.parse(this.arrived[index]?.text ?? "null") as Record<string, unknown>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
