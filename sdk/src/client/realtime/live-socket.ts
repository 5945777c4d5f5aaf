import type { Socket } from "socket.io-client";
import {
  REALTIME_NAMESPACE,
  REALTIME_PATH,
  type RealtimeAnswer,
  type RealtimeClientEvents,
  type RealtimeServerEvents,
} from "../../contract/realtime.ts";
import type { TokenSource } from "./access-token.ts";
import type { LiveMessage, LiveRequest, LiveSubscriber, SocketStatus } from "./live-subscriber.ts";
import { loadSocketClient } from "./load-socket-client.ts";
import { errorFromSocket, isTemporary, refusalOf } from "./realtime-error.ts";

type RealtimeSocket = Socket<RealtimeServerEvents, RealtimeClientEvents>;

export interface LiveSocketConfig {
  baseUrl: string;
  tokens: TokenSource;
  /** With a personal token: which project and environment. */
  project?: string | undefined;
  environment?: string | undefined;
  /** The caller has a `fetch` of its own: what stands behind it is no place for a socket. */
  isRestOnly?: boolean | undefined;
}

/** Without a socket for so long, subscribers are told to poll. */
const DOWN_AFTER_MS = 3000;
const ANSWER_MS = 15_000;
/** New tokens in a row that the platform did not take: then its word stands. */
const RENEWALS = 3;
const ASK_AGAIN_MS = 2000;
/** Once there was a socket it comes back soon; where there never was one, it is seldom tried. */
const RECONNECT = { first: 500, maxOnceConnected: 5000, maxNeverConnected: 30_000 };

/**
 * One Socket.IO connection and those who subscribe through it. It opens with the first subscriber and is closed by its owner.
 * After each reconnect everybody asks anew, and says what he has.
 *
 * `down` is told after 3 s without a socket; it is tried on all the same, and `live` ends that. A token that has expired is
 * renewed where its source can; else, and where the platform refuses, `refused` is told and nothing more happens.
 */
export class LiveSocket {
  readonly #config: LiveSocketConfig;
  readonly #subscribers = new Map<string, LiveSubscriber>();
  /** Those whose subscription ended with the token: they ask again with the next one. */
  readonly #silenced = new Set<string>();
  #socket: RealtimeSocket | undefined;
  #status: SocketStatus = { state: "connecting", reason: "STARTING" };
  #downTimer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #nextId = 1;
  #isStarted = false;
  #isClosed = false;
  #isRenewing = false;
  #renewalsInVain = 0;
  #stopListening: () => void = () => undefined;

  constructor(config: LiveSocketConfig) {
    this.#config = config;
  }

  get status(): SocketStatus {
    return this.#status;
  }

  /** Returns what takes the subscriber off again. It hears of the status at once. */
  add(subscriber: LiveSubscriber): () => void {
    const id = String(this.#nextId++);
    this.#subscribers.set(id, subscriber);
    if (!this.#isStarted) void this.#start();
    subscriber.onStatus(this.#status);
    if (this.#status.state === "live") this.#ask(id, subscriber);
    return () => {
      if (!this.#subscribers.delete(id)) return;
      this.#silenced.delete(id);
      if (this.#socket?.connected) this.#socket.emit("unsubscribe", { id });
    };
  }

  /** A reader of a stream has room again. */
  streamTaken(subscriber: LiveSubscriber, next: number): void {
    const id = this.#idOf(subscriber);
    if (id !== undefined && this.#socket?.connected) this.#socket.emit("streamTaken", { id, next });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#downTimer);
    clearTimeout(this.#retryTimer);
    this.#stopListening();
    this.#socket?.disconnect();
  }

  async #start(): Promise<void> {
    this.#isStarted = true;
    if (this.#config.isRestOnly) return this.#say({ state: "down", reason: "SOCKET_UNAVAILABLE" });
    this.#armDown();
    const io = await loadSocketClient().catch(() => undefined);
    // Where it cannot be loaded there is no socket: then polling is what there is.
    if (io === undefined || this.#isClosed) return;
    const url = new URL(this.#config.baseUrl);
    const socket: RealtimeSocket = io(`${url.origin}${REALTIME_NAMESPACE}`, {
      path: `${url.pathname.replace(/\/$/, "")}${REALTIME_PATH}`,
      transports: ["websocket"],
      forceNew: true,
      autoConnect: false,
      reconnectionDelay: RECONNECT.first,
      reconnectionDelayMax: RECONNECT.maxNeverConnected,
      auth: (give) => void this.#handshake(give),
    });
    this.#socket = socket;
    this.#listen(socket);
    this.#stopListening = onPageBack(() => this.#hurry());
    // A token source that fails is told before a socket is opened for nothing.
    const token = await this.#config.tokens.current().catch((error: Error) => this.#refuse(error));
    if (typeof token === "string" && !this.#isClosed) socket.connect();
  }

  async #handshake(give: (auth: object) => void): Promise<void> {
    const { tokens, project, environment } = this.#config;
    const token = await tokens.current().catch(() => "");
    give({ token, ...(project && { project }), ...(environment && { environment }) });
  }

  #listen(socket: RealtimeSocket): void {
    socket.on("connect", () => {
      socket.io.reconnectionDelayMax(RECONNECT.maxOnceConnected);
      this.#goLive();
    });
    socket.on("disconnect", (reason) => {
      this.#lose();
      // Socket.IO leaves it at that when the server hangs up: it may be draining, another replica is there.
      if (reason === "io server disconnect") this.#retryConnect();
    });
    socket.on("connect_error", (error) => {
      if (socket.active) return;
      const refusal = refusalOf(error);
      if (refusal === undefined) this.#retryConnect();
      else if (isTemporary(refusal)) this.#retryConnect();
      else if (isAboutToken(refusal) && this.#mayRenew()) void this.#renew();
      else this.#refuse(errorFromSocket(refusal));
    });
    socket.on("snapshot", (message) => this.#tell(message.id, { kind: "snapshot", ...message }));
    socket.on("update", (message) => this.#tell(message.id, { kind: "update", ...message }));
    socket.on("stale", (message) => this.#tell(message.id, { kind: "stale" }));
    socket.on("chunks", (message) => this.#tell(message.id, { kind: "chunks", ...message }));
    socket.on("closed", ({ id, error }) => this.#end(id, error));
    socket.on("expired", () => void this.#renew());
  }

  #goLive(): void {
    clearTimeout(this.#downTimer);
    this.#downTimer = undefined;
    this.#renewalsInVain = 0;
    this.#silenced.clear();
    this.#say({ state: "live", reason: "SOCKET_OPEN" });
    for (const [id, subscriber] of Array.from(this.#subscribers)) this.#ask(id, subscriber);
  }

  #lose(): void {
    if (this.#isClosed || this.#status.state === "refused") return;
    this.#say({ state: "connecting", reason: "SOCKET_LOST" });
    this.#armDown();
  }

  #armDown(): void {
    this.#downTimer ??= setTimeout(() => {
      this.#downTimer = undefined;
      if (this.#status.state === "connecting") this.#say({ state: "down", reason: "SOCKET_UNAVAILABLE" });
    }, DOWN_AFTER_MS);
  }

  #retryConnect(): void {
    clearTimeout(this.#retryTimer);
    this.#retryTimer = setTimeout(() => this.#socket?.connect(), RECONNECT.first + Math.random() * 1000);
  }

  /** The page is back on the network, or in front: no reason to wait for the next try. */
  #hurry(): void {
    const socket = this.#socket;
    if (socket === undefined || socket.connected || this.#isClosed || this.#status.state === "refused") return;
    socket.disconnect().connect();
  }

  #ask(id: string, subscriber: LiveSubscriber): void {
    const socket = this.#socket;
    if (socket === undefined) return;
    const wanted: LiveRequest = subscriber.request();
    const answered = (error: Error | null, answer?: RealtimeAnswer) => {
      if (this.#subscribers.get(id) !== subscriber || answer?.ok) return;
      if (error !== null || answer === undefined) {
        // A socket that is open and answers nothing is as good as none.
        if (socket.connected) socket.io.engine.close();
      } else this.#end(id, answer.error);
    };
    if (wanted.event === "subscribe") {
      socket.timeout(ANSWER_MS).emit("subscribe", { id, ...wanted.request }, answered);
    } else socket.timeout(ANSWER_MS).emit("readStream", { id, ...wanted.request }, answered);
  }

  #tell(id: string, message: LiveMessage): void {
    this.#subscribers.get(id)?.onMessage(message);
  }

  /** One subscription is over. With an expired token it comes back after the renewal, with a platform that is busy a little later. */
  #end(id: string, error: { code: string; message: string }): void {
    const subscriber = this.#subscribers.get(id);
    if (subscriber === undefined) return;
    if (isTemporary(error)) {
      setTimeout(() => this.#askAgain(id, subscriber), ASK_AGAIN_MS * (1 + Math.random()));
      return;
    }
    if (isAboutToken(error) && this.#mayRenew()) {
      this.#silenced.add(id);
      void this.#renew();
      return;
    }
    this.#subscribers.delete(id);
    subscriber.onRefused(errorFromSocket(error));
  }

  #askAgain(id: string, subscriber: LiveSubscriber): void {
    if (this.#subscribers.get(id) === subscriber && this.#status.state === "live") this.#ask(id, subscriber);
  }

  #mayRenew(): boolean {
    return this.#config.tokens.canRenew && this.#renewalsInVain < RENEWALS;
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing || this.#isClosed) return;
    this.#renewalsInVain++;
    const { tokens } = this.#config;
    if (!tokens.canRenew) {
      this.#refuse(errorFromSocket({ code: "TOKEN_EXPIRED", message: EXPIRED }));
      return;
    }
    this.#isRenewing = true;
    this.#say({ state: "connecting", reason: "TOKEN_EXPIRED" });
    const token = await tokens.renew().catch((error: Error) => this.#refuse(error));
    this.#isRenewing = false;
    const socket = this.#socket;
    if (typeof token !== "string" || socket === undefined || this.#isClosed) return;
    if (!socket.connected) {
      socket.connect();
      return;
    }
    const answer = await socket
      .timeout(ANSWER_MS)
      .emitWithAck("renew", { token })
      .catch(() => undefined);
    if (answer === undefined) return;
    if (!answer.ok) return this.#refuse(errorFromSocket(answer.error));
    this.#renewalsInVain = 0;
    this.#say({ state: "live", reason: "SOCKET_OPEN" });
    this.#resume();
  }

  #resume(): void {
    for (const id of Array.from(this.#silenced)) {
      this.#silenced.delete(id);
      const subscriber = this.#subscribers.get(id);
      if (subscriber !== undefined) this.#ask(id, subscriber);
    }
  }

  #refuse(error: Error): void {
    if (this.#status.state === "refused" || this.#isClosed) return;
    clearTimeout(this.#downTimer);
    this.#status = { state: "refused", reason: "REFUSED", error };
    this.#socket?.disconnect();
    const all = [...this.#subscribers.values()];
    this.#subscribers.clear();
    for (const subscriber of all) subscriber.onRefused(error);
  }

  #say(status: SocketStatus): void {
    if (this.#status.state === "refused" || this.#isClosed) return;
    this.#status = status;
    for (const subscriber of Array.from(this.#subscribers.values())) subscriber.onStatus(status);
  }

  #idOf(subscriber: LiveSubscriber): string | undefined {
    for (const [id, each] of this.#subscribers) if (each === subscriber) return id;
    return undefined;
  }
}

const EXPIRED =
  "The public token has expired. Give accessToken as a function that gets a new one from your backend, or make the token live longer (expirationTime).";

const isAboutToken = ({ code }: { code: string }) => code === "TOKEN_EXPIRED" || code === "UNAUTHORIZED";

interface PageEvents {
  addEventListener?: (name: string, listener: () => void) => void;
  removeEventListener?: (name: string, listener: () => void) => void;
}

/** Calls back when a browser's page has its network back, or is shown again. Elsewhere never. */
function onPageBack(callback: () => void): () => void {
  const page = globalThis as PageEvents & { document?: PageEvents & { hidden?: boolean } };
  const { document } = page;
  if (document === undefined) return () => undefined;
  const onVisible = () => {
    if (!document.hidden) callback();
  };
  page.addEventListener?.("online", callback);
  document.addEventListener?.("visibilitychange", onVisible);
  return () => {
    page.removeEventListener?.("online", callback);
    document.removeEventListener?.("visibilitychange", onVisible);
  };
}
