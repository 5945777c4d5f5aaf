import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A server on this machine that remembers who asked it what: the outside world that must see each effect once. */
export class Witness {
  readonly url: string;
  readonly #paths: string[] = [];
  readonly #failures = new Map<string, number>();

  static async start(onEnd: (end: () => void | Promise<void>) => void): Promise<Witness> {
    const server = createServer((request, response) => {
      request.resume();
      const status = witness.#answer(request.url ?? "");
      request.once("end", () => response.writeHead(status).end(String(status)));
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const witness = new Witness(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    onEnd(() => {
      server.closeAllConnections();
      server.close();
    });
    return witness;
  }

  private constructor(url: string) {
    this.url = url;
  }

  /** An address under which a run's requests are told apart from others'. */
  of(name: string): string {
    return `${this.url}/${name}`;
  }

  /** What was asked for under that name, in order, refused or not. */
  requests(name: string): string[] {
    const prefix = `/${name}/`;
    return this.#paths.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length));
  }

  /** The next so many requests for it are answered with 503. */
  fail(name: string, path: string, times: number): void {
    this.#failures.set(`/${name}/${path}`, times);
  }

  #answer(path: string): number {
    this.#paths.push(path);
    const left = this.#failures.get(path) ?? 0;
    if (left === 0) return 200;
    this.#failures.set(path, left - 1);
    return 503;
  }
}
