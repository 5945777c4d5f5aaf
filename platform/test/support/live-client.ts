import {
  type LiveRun,
  REALTIME_NAMESPACE,
  REALTIME_PATH,
  type RealtimeAnswer,
  type RealtimeClientEvents,
  type RealtimeHandshake,
  type RealtimeServerEvents,
  type SubscribeRequest,
} from "@gantry/sdk/contract";
import { io, type Socket } from "socket.io-client";
import { onTestFinished, vi } from "vitest";

type ServerEvent = keyof RealtimeServerEvents;
export type Heard = { event: ServerEvent; message: Record<string, unknown> & { id: string } };

/** A client of realtime as the contract says it, no cleverer than that: it keeps what it was told. */
export class LiveClient {
  readonly socket: Socket<RealtimeServerEvents, RealtimeClientEvents>;
  readonly heard: Heard[] = [];
  /** By subscription, its runs by id. */
  readonly views = new Map<string, Map<string, LiveRun>>();

  constructor(url: string, handshake: RealtimeHandshake | string) {
    const auth = typeof handshake === "string" ? { token: handshake } : handshake;
    this.socket = io(`${url}${REALTIME_NAMESPACE}`, {
      path: REALTIME_PATH,
      transports: ["websocket"],
      forceNew: true,
      reconnection: false,
      auth,
    });
    for (const event of ["snapshot", "update", "stale", "chunks", "closed", "expired"] as const)
      this.socket.on(event, (message?: unknown) => this.#hear(event, message));
    onTestFinished(() => void this.socket.disconnect());
  }

  /** Resolves when it is let in. Errors: the code with which it is not. */
  connected(): Promise<this> {
    if (this.socket.connected) return Promise.resolve(this);
    return new Promise((resolve, reject) => {
      this.socket.once("connect", () => resolve(this));
      this.socket.once("connect_error", (error) => {
        const { data } = error as Error & { data?: { code?: string } };
        reject(new Error(data?.code ?? error.message));
      });
    });
  }

  subscribe(target: SubscribeRequest["target"], more: Partial<SubscribeRequest> = {}): Promise<RealtimeAnswer> {
    return this.socket.timeout(10_000).emitWithAck("subscribe", { id: "1", target, ...more });
  }

  /** Subscribes to a run and waits for its first word. */
  async follow(runId: string, more: Partial<SubscribeRequest> = {}): Promise<void> {
    const answer = await this.subscribe({ kind: "run", runId }, more);
    if (!answer.ok) throw new Error(answer.error.code);
    await this.until(() => this.of("snapshot", more.id).length > 0);
  }

  of(event: ServerEvent, id = "1"): Heard["message"][] {
    return this.heard
      .filter((one) => one.event === event && (one.message.id ?? id) === id)
      .map(({ message }) => message);
  }

  run(runId: string, id = "1"): LiveRun | undefined {
    return this.views.get(id)?.get(runId);
  }

  until(isTrue: () => unknown, timeout = 10_000): Promise<void> {
    return vi.waitFor(
      () => {
        if (!isTrue()) throw new Error(`not yet; heard: ${JSON.stringify(this.heard.slice(-3)).slice(0, 500)}`);
      },
      { timeout, interval: 5 },
    );
  }

  #hear(event: ServerEvent, message: unknown): void {
    const said = (message ?? {}) as Heard["message"];
    this.heard.push({ event, message: said });
    if (event !== "snapshot" && event !== "update") return;
    const view = this.views.get(said.id) ?? new Map<string, LiveRun>();
    this.views.set(said.id, view);
    for (const run of said.runs as LiveRun[]) view.set(run.id, { ...payloadOf(view.get(run.id)), ...run });
  }
}

function payloadOf(run: LiveRun | undefined): Partial<LiveRun> {
  return Object.fromEntries(Object.entries(run ?? {}).filter(([name]) => name.startsWith("payload")));
}
