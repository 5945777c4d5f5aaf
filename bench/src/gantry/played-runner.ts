import type { Grant, PlatformMessage, RunnerMessage } from "@gantry/sdk/contract";
import { HEARTBEAT_MS, WORKER_CHANNEL_PATH } from "@gantry/sdk/contract";
import { WebSocket } from "ws";

/** A runner whose task processes are only played: it takes runs over the real channel, and says what a test wants of them. */
export class PlayedRunner {
  readonly #socket: WebSocket;
  readonly #workerId: string;
  readonly #grants: Grant[] = [];
  readonly #batches = new Map<string, number>();
  /** Executions with a request that has no answer yet, and by which request. */
  readonly #onTheirWay = new Set<string>();
  readonly #asked = new Map<string, string>();
  #beats: NodeJS.Timeout | undefined;
  #nextId = 0;
  #onGrant: () => void = () => undefined;

  constructor(url: string, workerId: string, token: string) {
    this.#workerId = workerId;
    this.#socket = new WebSocket(`${url.replace("http", "ws")}${WORKER_CHANNEL_PATH}`, {
      headers: { authorization: `Bearer ${token}` },
      perMessageDeflate: false,
    });
    this.#socket.on("message", (data) => this.#read(JSON.parse(String(data)) as PlatformMessage[]));
  }

  /** Resolves with so many runs, once they execute here. */
  async take(count: number): Promise<Grant[]> {
    await new Promise<void>((resolve, reject) => {
      this.#socket.once("open", () => resolve());
      this.#socket.once("error", reject);
    });
    this.#send([
      { type: "hello", id: this.#id(), protocol: 1, workerId: this.#workerId, pid: 1, host: "bench", executions: [] },
      { type: "capacity", free: count },
    ]);
    this.#beats = setInterval(() => this.#beat(), HEARTBEAT_MS);
    await new Promise<void>((resolve) => {
      this.#onGrant = () => {
        if (this.#grants.length >= count) resolve();
      };
    });
    return this.#grants;
  }

  /**
   * What these runs set in their metadata, in one frame. As a real runner it has one request of each run on its way at most:
   * what is set meanwhile would go with the next, and is left out here.
   */
  setMetadata(grants: readonly Grant[], key: string, value: () => unknown): void {
    const idle = grants.filter(({ executionId }) => !this.#onTheirWay.has(executionId));
    if (idle.length === 0) return;
    this.#send(
      idle.map(({ executionId, fence }) => {
        const batch = this.#batches.get(executionId) ?? 0;
        this.#batches.set(executionId, batch + 1);
        const operations = [{ type: "set" as const, key, value: value() }];
        const id = this.#id();
        this.#onTheirWay.add(executionId);
        this.#asked.set(id, executionId);
        return { type: "metadata" as const, id, executionId, fence, batch, operations };
      }),
    );
  }

  close(): void {
    clearInterval(this.#beats);
    this.#socket.terminate();
  }

  #beat(): void {
    const executions = this.#grants.map(({ executionId, fence }) => ({ executionId, fence, computeMs: 0 }));
    this.#send([{ type: "heartbeat", id: this.#id(), executions }]);
  }

  #read(messages: PlatformMessage[]): void {
    for (const message of messages) {
      if (message.type === "grant") this.#grants.push(...message.grants);
      if (message.type !== "reply") continue;
      this.#onTheirWay.delete(this.#asked.get(message.id) ?? "");
      this.#asked.delete(message.id);
    }
    this.#onGrant();
  }

  #send(messages: RunnerMessage[]): void {
    this.#socket.send(JSON.stringify(messages));
  }

  #id(): string {
    return String(this.#nextId++);
  }
}
