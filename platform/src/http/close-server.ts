import type { Server } from "node:http";

const LOOK_MS = 50;

export interface CloseTimes {
  /** For clients to let go of connections that they keep open. */
  drainMs: number;
  /** For requests in flight, after that. */
  graceMs: number;
}

/**
 * Ends a server without losing a request. A client that sends one on a kept connection in the moment in which it is closed
 * gets no answer; so for `drainMs`, or until nobody is connected, requests are answered with `Connection: close`, and the
 * client comes back on a new connection: to another replica, as load balancers know of no new ones here any more.
 */
export async function closeServer(server: Server, { drainMs, graceMs }: CloseTimes): Promise<void> {
  const endsAt = Date.now() + drainMs;
  server.prependListener("request", (_req, res) => res.setHeader("connection", "close"));
  while (Date.now() < endsAt && (await connections(server)) > 0)
    await new Promise((looked) => setTimeout(looked, Math.min(LOOK_MS, drainMs)));
  const closed = new Promise<void>((done) => server.close(() => done()));
  // Also those that come to rest after their last answer, instead of when their keep-alive ends.
  const sweep = setInterval(() => server.closeIdleConnections(), LOOK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
}

const connections = (server: Server) =>
  new Promise<number>((resolve) => server.getConnections((error, count) => resolve(error ? 0 : count)));
