import { once } from "node:events";
import { createServer } from "node:net";

/**
 * A free port that stays free while the server that had it is down: systems give outgoing connections ports from 32768 on,
 * and this one lies below.
 */
export async function stablePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
