/** Node's own network modules, and what is built in. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { type Case, type Stage, scene } from "../stage.ts";

process.env.NODE_NO_WARNINGS = "1";
process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";

const post = async (url: string) => (await fetch(url, { method: "POST", body: "x" })).text();

async function ask(url: string, agent?: Agent): Promise<string> {
  const sent = request(url, { method: "POST", ...(agent ? { agent } : {}) }).end("x");
  const [response] = await once(sent, "response");
  return text(response);
}

async function talk({ servers }: Stage): Promise<void> {
  const socket = connect(servers.tcpPort, "127.0.0.1");
  socket.write("x");
  await once(socket, "data");
  socket.destroy();
}

async function datagram({ servers }: Stage): Promise<void> {
  const socket = createSocket("udp4");
  socket.send("x", servers.udpPort, "127.0.0.1");
  await once(socket, "message");
  socket.close();
}

async function secure({ servers }: Stage): Promise<void> {
  const { hostname, port } = new URL(servers.https);
  const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
  await once(socket, "secureConnect");
  socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
  await text(socket);
}

async function multiplexed(client: ReturnType<typeof connectHttp2>): Promise<void> {
  const stream = client.request({ ":path": "/" });
  stream.end();
  await text(stream);
}

export const cases: Record<string, Case> = {
  fetch: { want: "bytes", call: "fetch", run: ({ servers }) => post(servers.http) },
  "fetch, not awaited": { want: "bytes", isBusy: true, run: ({ servers }) => void post(`${servers.http}/slow`) },
  "fetch in a step": { want: "safe", run: ({ step, servers }) => step("one", () => post(servers.http)) },
  "fetch in steps that share a connection": {
    want: "safe",
    run: async ({ step, servers }) => {
      for (const name of ["one", "two", "three"]) await step(name, () => post(servers.http));
    },
  },
  "fetch in parallel steps": {
    want: "safe",
    run: ({ step, servers }) => Promise.all(["one", "two"].map((name) => step(name, () => post(servers.http)))),
  },
  "fetch beside a step's": {
    want: "bytes",
    call: "fetch",
    run: ({ step, servers }) => Promise.all([step("one", () => post(servers.http)), post(servers.http)]),
  },
  "fetch on a connection that a step opened": {
    want: "bytes",
    run: async ({ step, servers }) => {
      await step("one", () => post(servers.http));
      await post(servers.http);
    },
  },
  "fetch in repeatable code": { want: "safe", run: ({ repeatable, servers }) => repeatable(() => post(servers.http)) },
  "fetch that a step began and did not await": {
    want: "bytes",
    hasNoLine: true,
    isBusy: true,
    run: async ({ step, servers }) => step("one", () => void post(`${servers.http}/slow`)),
  },
  "fetch before the function": { want: "safe", load: ({ servers }) => post(servers.http), run: () => undefined },
  "fetch in the background": {
    want: "bytes",
    load: ({ servers }) => setInterval(() => void post(servers.http).catch(() => undefined), 5).unref(),
    run: ({ sleep }) => sleep(20),
  },
  "http.request": { want: "bytes", call: "request", run: ({ servers }) => ask(servers.http) },
  "http.request in steps, keep-alive": scene({
    want: "safe",
    load: () => new Agent({ keepAlive: true, maxSockets: 1 }),
    run: async ({ step, servers }, agent) => {
      await step("one", () => Promise.all([ask(servers.http, agent), ask(servers.http, agent)]));
      await step("two", () => ask(servers.http, agent));
    },
  }),
  "http.request queued behind a step's": scene({
    want: "bytes",
    load: () => new Agent({ keepAlive: true, maxSockets: 1 }),
    run: ({ step, servers }, agent) =>
      Promise.all([step("one", () => ask(servers.http, agent)), ask(servers.http, agent)]),
  }),
  "https.request": {
    want: "bytes",
    run: async ({ servers }) => {
      const sent = requestHttps(servers.https, { rejectUnauthorized: false }).end();
      await text((await once(sent, "response"))[0]);
    },
  },
  "https.request in a step": {
    want: "safe",
    run: ({ servers, step }) =>
      step("one", async () => {
        const sent = requestHttps(servers.https, { rejectUnauthorized: false }).end();
        return text((await once(sent, "response"))[0]);
      }),
  },
  http2: scene({
    want: "bytes",
    load: async ({ servers }) => {
      const client = connectHttp2(servers.http2, { rejectUnauthorized: false });
      await once(client, "connect");
      return client;
    },
    run: (_, client) => multiplexed(client),
  }),
  "http2 in a step": {
    want: "safe",
    run: ({ step, servers }) =>
      step("one", async () => {
        const client = connectHttp2(servers.http2, { rejectUnauthorized: false });
        await multiplexed(client);
        client.close();
      }),
  },
  "a TCP socket": { want: "bytes", run: (stage) => talk(stage) },
  "a TCP socket in a step": { want: "safe", run: (stage) => stage.step("one", () => talk(stage)) },
  "a TCP socket that is only closed outside of steps": {
    want: "safe",
    run: async ({ step, servers }) => {
      const socket = await step("one", async () => {
        const opened = connect(servers.tcpPort, "127.0.0.1");
        opened.write("x");
        await once(opened, "data");
        return opened;
      });
      socket.end();
    },
  },
  TLS: { want: "bytes", run: (stage) => secure(stage) },
  "TLS in a step": { want: "safe", run: (stage) => stage.step("one", () => secure(stage)) },
  UDP: { want: "bytes", run: (stage) => datagram(stage) },
  "UDP in a step": { want: "safe", run: (stage) => stage.step("one", () => datagram(stage)) },
  "UDP queued behind a step's": {
    want: "bytes",
    run: async ({ step, servers }) => {
      const socket = createSocket("udp4");
      const answered = once(socket, "message");
      const sending = step("one", () => void socket.send("x", servers.udpPort, "127.0.0.1"));
      socket.send("y", servers.udpPort, "127.0.0.1");
      await sending;
      await answered;
      socket.close();
    },
  },
  "the global WebSocket": {
    want: "bytes",
    run: async ({ servers }) => {
      const socket = new WebSocket(servers.ws);
      await once(socket, "open");
      socket.send("x");
      await once(socket, "message");
      socket.close();
    },
  },
  "the global WebSocket in a step": {
    want: "safe",
    run: ({ servers, step }) =>
      step("one", async () => {
        const socket = new WebSocket(servers.ws);
        await once(socket, "open");
        socket.send("x");
        await once(socket, "message");
        socket.close();
        await once(socket, "close");
      }),
  },
  "a server that answers somebody": {
    want: "bytes",
    isBusy: true,
    run: async ({ step }) => {
      const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1");
      await once(server, "listening");
      const { port } = server.address() as { port: number };
      await step("one", () => post(`http://127.0.0.1:${port}`));
    },
  },
  "a server that module code opened": {
    want: "safe",
    load: () => once(createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1"), "listening"),
    run: ({ wait }) => wait(),
  },
  "strict: a socket of one step's own": {
    want: "safe",
    isStrict: true,
    run: (stage) => stage.step("one", () => talk(stage)),
  },
  "strict: a connection that lies in fetch's pool": {
    want: "socket",
    hasNoLine: true,
    isStrict: true,
    run: ({ step, servers }) => step("one", () => post(servers.http)),
  },
  "strict: a connection that repeatable code opened": {
    want: "socket",
    isStrict: true,
    run: (stage) => stage.repeatable(() => talk(stage)),
  },
  "strict: a socket that module code opened": scene({
    want: "socket",
    isStrict: true,
    load: async ({ servers }) => {
      const socket = connect(servers.tcpPort, "127.0.0.1");
      await once(socket, "connect");
      return socket;
    },
    run: ({ step }, socket) =>
      step("one", async () => {
        socket.write("x");
        await once(socket, "data");
      }),
  }),
};
