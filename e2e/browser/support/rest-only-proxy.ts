import { once } from "node:events";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A way to a server as some companies have it: requests pass, WebSockets do not. */
export class RestOnlyProxy {
  readonly url: string;
  readonly close: () => Promise<void>;
  /** WebSockets that were refused. */
  refused = 0;

  static async to(target: string): Promise<RestOnlyProxy> {
    const server = createServer((from, reply) => {
      const to = request(new URL(from.url ?? "/", target), { method: from.method, headers: from.headers }, (answer) => {
        reply.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(reply);
      });
      to.on("error", () => reply.destroy());
      reply.on("close", () => to.destroy());
      from.pipe(to);
    });
    server.on("upgrade", (_request, socket) => {
      proxy.refused++;
      socket.end("HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new RestOnlyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, async () => {
      server.closeAllConnections();
      server.close();
    });
    return proxy;
  }

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.close = close;
  }
}
