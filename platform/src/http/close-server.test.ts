import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { closeServer } from "./close-server.ts";

async function served(handle: (path: string) => Promise<void> | void = () => undefined): Promise<Server> {
  const server = createServer(async (req, res) => {
    await handle(req.url ?? "");
    res.end("ok");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server;
}

function client(server: Server) {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  return async (path = "/") => {
    const request = get({ agent, port: (server.address() as AddressInfo).port, host: "127.0.0.1", path });
    const [reply] = (await once(request, "response")) as [IncomingMessage];
    reply.resume();
    await once(reply, "end");
    return reply.headers.connection;
  };
}

test("a client that keeps its connection is asked to let go, and then nothing is left to wait for", async () => {
  const server = await served();
  const ask = client(server);
  expect(await ask()).toBe("keep-alive");
  const closed = closeServer(server, { drainMs: 60_000, graceMs: 0 });
  expect(await ask()).toBe("close");
  await closed;
  expect(server.listening).toBe(false);
});

test("a connection that nobody uses is closed when the time is over", async () => {
  const server = await served();
  await client(server)();
  await closeServer(server, { drainMs: 20, graceMs: 60_000 });
  expect(server.listening).toBe(false);
});

test("a request in flight is answered", async () => {
  let answer: () => void = () => undefined;
  const arrived = Promise.withResolvers<void>();
  const server = await served(() => {
    arrived.resolve();
    return new Promise<void>((resolve) => (answer = resolve));
  });
  const reply = client(server)();
  await arrived.promise;
  const closed = closeServer(server, { drainMs: 0, graceMs: 60_000 });
  answer();
  expect(await reply).toBe("keep-alive");
  await closed;
});
