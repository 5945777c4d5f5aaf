/**
 * The worker channel: the WebSocket edge on which runners talk to the engine. docs/worker-protocol.md describes the
 * protocol; what follows from a message is WorkerService's business.
 */
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import {
  HEARTBEAT_MS,
  LEASE_TTL_MS,
  MAX_OFFLINE_MS,
  WORKER_CHANNEL_PATH,
  WORKER_FRAME_BYTES,
} from "@gantry/sdk/contract";
import { type WebSocket, WebSocketServer } from "ws";
import type { WorkerCredentials } from "../cluster/credentials.ts";
import type { WorkerService } from "../cluster/worker-service.ts";
import { WorkerConnection } from "./worker-connection.ts";

export interface WorkerChannelDeps {
  credentials: Pick<WorkerCredentials, "verifyWorkerToken">;
  workers: WorkerService;
  log: { warn(fields: object, message: string): void; error(fields: object, message: string): void };
  /** What runners are told in the welcome; the contract's values by default. */
  welcome?: { heartbeatMs: number; leaseTtlMs: number; maxOfflineMs: number };
  maxFrameBytes?: number;
  /** False in a process without the role `api`: workers are refused, and find another replica. */
  isOpen?: boolean;
}

export interface WorkerChannel {
  /** Workers connected now. */
  readonly connectionCount: number;
  /** Milliseconds since a worker of this version was last connected here, or since the start; 0 while one is. */
  absentMs(deploymentId: string): number;
  /** Cuts all connections; runners go on working and come again. */
  close(): Promise<void>;
}

const WELCOME = { heartbeatMs: HEARTBEAT_MS, leaseTtlMs: LEASE_TTL_MS, maxOfflineMs: MAX_OFFLINE_MS };

/** Takes the upgrades of WORKER_CHANNEL_PATH on this server; leaves those of other paths to others. */
export function attachWorkerChannel(server: Server, deps: WorkerChannelDeps): WorkerChannel {
  const sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: deps.maxFrameBytes ?? WORKER_FRAME_BYTES,
  });
  const connections = new Map<string, WorkerConnection>();
  const welcome = deps.welcome ?? WELCOME;
  const startedAt = performance.now();
  /** By version, when its last connection ended. */
  const leftAt = new Map<string, number>();

  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    if (request.url?.split("?")[0] !== WORKER_CHANNEL_PATH) return;
    if (deps.isOpen === false) return refuse(socket, NOT_HERE);
    const worker = deps.credentials.verifyWorkerToken(bearerToken(request) ?? "");
    if (!worker) return refuse(socket, BAD_TOKEN);
    sockets.handleUpgrade(request, socket, head, (accepted) => connect(accepted, worker));
  };

  const connect = (socket: WebSocket, worker: NonNullable<ReturnType<WorkerCredentials["verifyWorkerToken"]>>) => {
    // One connection per worker: a runner that comes again has lost the old one, even if we have not noticed.
    connections.get(worker.workerId)?.close("replaced by a newer connection");
    const connection = new WorkerConnection(socket, worker, {
      workers: deps.workers,
      log: deps.log,
      welcome,
    });
    connections.set(worker.workerId, connection);
    socket.once("close", () => {
      leftAt.set(worker.deploymentId, performance.now());
      if (connections.get(worker.workerId) === connection) connections.delete(worker.workerId);
    });
  };

  const pings = setInterval(() => {
    // Its runs are then another's: it must get no new ones either.
    for (const connection of connections.values()) connection.checkLiveness(welcome.leaseTtlMs);
  }, welcome.heartbeatMs).unref();

  server.on("upgrade", upgrade);
  return {
    get connectionCount() {
      return connections.size;
    },
    absentMs(deploymentId) {
      if ([...connections.values()].some((each) => each.deploymentId === deploymentId)) return 0;
      return performance.now() - (leftAt.get(deploymentId) ?? startedAt);
    },
    async close() {
      clearInterval(pings);
      server.off("upgrade", upgrade);
      for (const connection of connections.values()) connection.close("the platform is stopping");
      await new Promise<void>((resolve) => sockets.close(() => resolve()));
    },
  };
}

function bearerToken(request: IncomingMessage): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
}

const BAD_TOKEN = {
  status: "401 Unauthorized",
  code: "UNAUTHORIZED",
  message: "The worker's token is not valid here.",
};
/** Not for good, unlike a bad token: the runner tries again, and reaches a replica that takes workers. */
const NOT_HERE = { status: "503 Service Unavailable", code: "NOT_FOUND", message: "This process takes no workers." };

function refuse(socket: Duplex, { status, code, message }: typeof BAD_TOKEN): void {
  const body = JSON.stringify({ error: { code, message } });
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
