import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { joinSockets } from "../../support/joined-sockets.ts";

/**
 * A way to a server, or to several in turn, that can be cut: open connections break, and new ones are refused until it is
 * mended.
 */
export class CuttableProxy {
  readonly url: string;
  readonly #open: Set<Socket>;
  #isCut = false;
  readonly #close: () => Promise<void>;

  static async to(...targets: [string, ...string[]]): Promise<CuttableProxy> {
    const open = new Set<Socket>();
    let connections = 0;
    const server = createServer((from) => {
      if (proxy.#isCut) return void from.resetAndDestroy();
      const { hostname, port } = new URL(targets[connections++ % targets.length] as string);
      const to = connect(Number(port), hostname);
      joinSockets(from, to, open);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const proxy = new CuttableProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, open, async () => {
      server.close();
      proxy.cut();
      await once(server, "close");
    });
    return proxy;
  }

  private constructor(url: string, open: Set<Socket>, close: () => Promise<void>) {
    this.url = url;
    this.#open = open;
    this.#close = close;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.resetAndDestroy();
  }

  mend(): void {
    this.#isCut = false;
  }

  close(): Promise<void> {
    return this.#close();
  }
}
