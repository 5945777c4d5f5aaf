import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createSecureServer } from "node:http2";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as grpc from "@grpc/grpc-js";
import { WebSocketServer } from "ws";
import type { Servers } from "./stage.ts";

/** One of each kind that the clients of the corpus talk to, on free ports; `stop` ends them and their connections. */
export async function startServers(): Promise<{
  servers: Omit<Servers, "postgres" | "redis">;
  stop: () => Promise<void>;
}> {
  const credentials = selfSigned();
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    request.resume();
    request.once("end", () => setTimeout(() => response.end("ok"), request.url === "/slow" ? 20_000 : 2).unref());
  };
  const http = createHttpServer(answer);
  const https = createHttpsServer(credentials, answer);
  const http2 = createSecureServer(credentials);
  http2.on("stream", (stream) => {
    stream.resume();
    stream.respond({ ":status": 200 });
    stream.end("ok");
  });
  const tcp = createServer((socket) => socket.on("error", () => undefined).pipe(socket));
  const smtp = createServer(speakSmtp);
  const ws = createHttpServer();
  new WebSocketServer({ server: ws }).on("connection", (socket) => socket.on("message", (text) => socket.send(text)));
  const tcpServers = [http, https, http2, tcp, smtp, ws] as unknown as Server[];
  const ports = await Promise.all(tcpServers.map(listen));
  const udp = createSocket("udp4").bind(0, "127.0.0.1");
  await once(udp, "listening");
  udp.on("message", (message, { port }) => udp.send(message, port, "127.0.0.1"));
  const rpc = await startGrpc();
  const [httpPort, httpsPort, http2Port, tcpPort, smtpPort, wsPort] = ports as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return {
    servers: {
      http: `http://127.0.0.1:${httpPort}`,
      https: `https://127.0.0.1:${httpsPort}`,
      http2: `https://127.0.0.1:${http2Port}`,
      ws: `ws://127.0.0.1:${wsPort}`,
      tcpPort,
      smtpPort,
      udpPort: udp.address().port,
      grpcPort: rpc.port,
    },
    stop: async () => {
      udp.close();
      rpc.server.forceShutdown();
      await Promise.all(tcpServers.map((server) => new Promise((resolve) => void server.close(resolve))));
    },
  };
}

/** Every connection is unreferenced: a client that lingers does not keep the tests. */
async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket.on("error", () => undefined));
    socket.once("close", () => sockets.delete(socket));
  });
  const { close } = server;
  server.close = (done) => {
    for (const socket of sockets) socket.destroy();
    return close.call(server, done);
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

function selfSigned(): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), "gantry-cert-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost";
  execFileSync("openssl", [...request.split(" "), "-keyout", key, "-out", cert], { stdio: "ignore" });
  const pair = { key: readFileSync(key, "utf8"), cert: readFileSync(cert, "utf8") };
  rmSync(folder, { recursive: true });
  return pair;
}

/** As much SMTP as it takes to accept a message. */
function speakSmtp(socket: Socket): void {
  let isInData = false;
  socket.write("220 sink\r\n");
  socket.on("data", (bytes) => {
    for (const line of bytes.toString().split("\r\n").slice(0, -1)) {
      if (isInData && line !== ".") continue;
      isInData = /^DATA/i.test(line);
      if (isInData) socket.write("354 go on\r\n");
      else if (/^QUIT/i.test(line)) socket.end("221 bye\r\n");
      else socket.write("250 ok\r\n");
    }
  });
}

/** `/echo.Echo/Say`: text to the same text. */
export const echo = {
  Say: {
    path: "/echo.Echo/Say",
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (text: string) => Buffer.from(text),
    requestDeserialize: (bytes: Buffer) => bytes.toString(),
    responseSerialize: (text: string) => Buffer.from(text),
    responseDeserialize: (bytes: Buffer) => bytes.toString(),
  },
};

async function startGrpc(): Promise<{ server: grpc.Server; port: number }> {
  const server = new grpc.Server();
  const say: grpc.handleUnaryCall<string, string> = (call, done) => done(null, call.request);
  server.addService(echo, { Say: say });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  );
  return { server, port };
}
