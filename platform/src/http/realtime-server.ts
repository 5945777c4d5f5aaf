import type { IncomingMessage, Server } from "node:http";
import { REALTIME_NAMESPACE, REALTIME_PATH } from "@gantry/sdk/contract";
import { Gauge } from "prom-client";
import { Server as SocketServer } from "socket.io";
import { AppError } from "../errors.ts";
import type { Principal } from "../projects/principal.ts";
import type { MakeSocketFeature } from "../realtime/realtime-socket.ts";
import { authenticateToken, type Credential } from "./authenticate.ts";
import { takeSocketRate } from "./credential-rate.ts";
import type { Edge } from "./edge.ts";
import { errorBody, toAppError } from "./error-reply.ts";
import { RealtimeSession, type SessionDeps } from "./realtime-session.ts";
import { LastFrame } from "./text-frame.ts";

/** A request with the revisions of a thousand runs has about 50 KB. */
const MESSAGE_BYTES = 128 * 1024;
const PING_EVERY_MS = 20_000;
const PING_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;
const SWEEP_MS = 1_000;
/** Beyond the limit so many connections are taken to be told of it; more are refused without a word. */
const REFUSED_WITH_REASON = 100;
/** A token is looked at again after so long; at once where its environment's keys have changed. */
const RECHECK_MS = 15_000;
/** Tokens looked at in one turn of the event loop. */
const RECHECKED_AT_ONCE = 100;

export interface RealtimeServerOptions {
  edge: Edge;
  /** What each socket can do. */
  features: readonly MakeSocketFeature[];
  /** More are refused: they poll. */
  maxSockets: number;
}

export interface RealtimeServer {
  /** Cuts all sockets; their clients come again, to another replica. */
  close(): Promise<void>;
}

/** Live updates over Socket.IO, on the platform's own HTTP server. Only WebSockets: a socket lives on one replica. */
export function attachRealtime(server: Server, { edge, features, maxSockets }: RealtimeServerOptions): RealtimeServer {
  const sessions = new Map<string, RealtimeSession>();
  const { clock, logger, metrics } = edge.deps;
  let isClosing = false;
  const io = new SocketServer({
    path: REALTIME_PATH,
    transports: ["websocket"],
    serveClient: false,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: MESSAGE_BYTES,
    pingInterval: PING_EVERY_MS,
    pingTimeout: PING_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    allowRequest: (_request, done) =>
      isClosing || io.engine.clientsCount >= maxSockets + REFUSED_WITH_REASON
        ? done("There is no room here.", false)
        : done(null, true),
  });
  const frames = new LastFrame();
  const sessionDeps: SessionDeps = {
    features,
    frames,
    authenticate: (credential) => authenticateToken(credential, { ...edge.deps, tokens: edge.tokens }),
    takeRate: (identity) => takeSocketRate(edge, identity),
    link: (socket, environmentId, runId, field) =>
      edge.urls.create(socket.request as IncomingMessage, { do: "run", environmentId, runId, field }),
    toAppError(error) {
      const known = toAppError(error, edge.nextRequestId());
      if (known.code === "INTERNAL") logger.error({ err: error }, "a request over a socket failed");
      return known;
    },
  };

  // Every client begins in the main namespace; nothing is there.
  io.use((_socket, next) =>
    next(refused(new AppError("NOT_FOUND", `Connect to the namespace ${REALTIME_NAMESPACE}.`))),
  );
  const namespace = io.of(REALTIME_NAMESPACE);
  namespace.use((socket, next) => {
    if (sessions.size >= maxSockets)
      return next(refused(new AppError("TOO_MANY_SOCKETS", `This process takes ${maxSockets} sockets.`)));
    letIn(edge, socket.handshake.auth, sessionDeps).then(
      (who) => {
        socket.data = who;
        next();
      },
      (error: unknown) => next(refused(sessionDeps.toAppError(error))),
    );
  });
  namespace.on("connection", (socket) => {
    const session = new RealtimeSession(socket, socket.data, clock.now(), sessionDeps);
    // Held by the session, which may get another: nothing else needs it.
    socket.data = undefined;
    sessions.set(socket.id, session);
    socket.on("disconnect", () => sessions.delete(socket.id));
  });
  io.attach(server);

  new Gauge({
    name: "gantry_realtime_sockets",
    help: "Clients connected for live updates.",
    registers: [metrics],
    collect() {
      this.set(sessions.size);
    },
  });
  const sweep = setInterval(() => {
    frames.forget();
    void lookAtTokens(sessions.values(), clock.now());
  }, SWEEP_MS).unref();

  const recheck = (isConcerned: (session: RealtimeSession) => boolean) =>
    void recheckAll([...sessions.values()].filter(isConcerned), clock.now());
  edge.deps.onChange?.((environmentId) => recheck(({ environment }) => environment.id === environmentId));
  const stopListening = edge.deps.accounts.sessions.onEnded(({ userId, sessionIds }) =>
    recheck(({ principal }) => isOf(principal, userId, sessionIds)),
  );

  return {
    async close() {
      isClosing = true;
      stopListening();
      clearInterval(sweep);
      // Not one by one through their namespace: a client that is sent away by the server would not come again.
      io.engine.close();
      sessions.clear();
    },
  };
}

/** Silences or ends what has expired, and looks again at tokens that were not looked at for a while. */
function lookAtTokens(sessions: Iterable<RealtimeSession>, now: number): Promise<void> {
  const due: RealtimeSession[] = [];
  for (const session of sessions) {
    session.expire(now);
    if (now - session.checkedAt >= RECHECK_MS) due.push(session);
  }
  return recheckAll(due, now);
}

async function recheckAll(sessions: readonly RealtimeSession[], now: number): Promise<void> {
  for (let at = 0; at < sessions.length; at += RECHECKED_AT_ONCE) {
    await Promise.all(sessions.slice(at, at + RECHECKED_AT_ONCE).map((session) => session.recheck(now)));
    await new Promise((turn) => setImmediate(turn));
  }
}

async function letIn(edge: Edge, auth: unknown, deps: Pick<SessionDeps, "authenticate" | "takeRate">) {
  const credential = credentialOf(auth);
  const identity = await deps.authenticate(credential).catch((error: unknown) => {
    edge.metrics.refused("auth");
    throw error;
  });
  const { environment } = identity;
  if (environment === undefined)
    throw new AppError(
      "BAD_REQUEST",
      "The token is for several environments: name one, by `project` and `environment`.",
    );
  await deps.takeRate(identity);
  return { credential, identity, environment };
}

function credentialOf(auth: unknown): Credential {
  const { token, project, environment } = (auth ?? {}) as Record<string, unknown>;
  if (typeof token !== "string" || token === "")
    throw new AppError("UNAUTHORIZED", "The connection brings no token: send it in `auth`.");
  return {
    token,
    ...(typeof project === "string" ? { project } : {}),
    ...(typeof environment === "string" ? { environment } : {}),
  };
}

/** Whether a token is good only as long as these sessions of a user are; undefined: all of the user's. */
function isOf(principal: Principal, userId: string, sessionIds: readonly string[] | undefined): boolean {
  if (principal.kind === "access") return principal.owner?.userId === userId;
  if (principal.kind !== "user" || principal.userId !== userId) return false;
  return sessionIds === undefined || (principal.sessionId !== undefined && sessionIds.includes(principal.sessionId));
}

/** What the client's `connect_error` carries: `error.data` is as an API reply's body. */
function refused(error: AppError): Error {
  return Object.assign(new Error(error.message), { data: errorBody(error) });
}
