import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that systems hand out themselves (from 32768 on): nobody gets it by chance before it is used, or while the
 * server that had it is down.
 */
const [FROM, TO] = [20_000, 30_000];

/** A port that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FROM + Math.floor(Math.random() * (TO - FROM));
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
