import { createHash, randomBytes } from "node:crypto";
import type { Grant, JournalAppend, PlatformMessage, StoredCheckpoint, WorkerStart } from "@gantry/sdk/contract";
import {
  WORKER_CHANNEL_PATH,
  WORKER_CHECKPOINT_CHUNK_PATH,
  WORKER_PROTOCOL_VERSION,
  WORKER_START_PATH,
} from "@gantry/sdk/contract";
import WebSocket from "ws";
import { newUuid } from "../../src/ids.ts";

type Reply = Extract<PlatformMessage, { type: "reply" }>;
type Sent = { id: string; text: string; settle(reply: Reply): void };
const AGAIN_MS = 25;
const pause = () => new Promise((resolve) => setTimeout(resolve, AGAIN_MS));

export const FEATURES = { node: "n1", arch: "x64", kernel: "6.18.44", cpuFlags: ["avx2", "sse4_2"] };

/** What a runner stores, as chunks and as it describes them. */
export function storedProcess(checkpointId: string, sizes: number[] = [70_000, 70_000, 11]) {
  const chunks = sizes.map((size) => randomBytes(size));
  const storedBytes = sizes.reduce((sum, size) => sum + size, 0);
  const checkpoint: StoredCheckpoint = {
    checkpointId,
    chunks: chunks.length,
    bytes: storedBytes * 5,
    storedBytes,
    sha256: digestOf(chunks),
    features: FEATURES,
    memo: JSON.stringify({ version: 1, pid: 1007 }),
    dumpMs: 50,
    storeMs: 120,
  };
  return { chunks, checkpoint };
}

export function digestOf(chunks: Buffer[]): string {
  const hash = createHash("sha256");
  for (const chunk of chunks) hash.update(chunk);
  return hash.digest("hex");
}

/**
 * A Job's runner as the platform sees it: it exchanges its bootstrap token, connects, and says what a test tells it to. What was
 * asked is asked again on the next connection until it is answered; a platform that is away is tried again.
 */
export class ScriptedRunner {
  readonly start: WorkerStart;
  readonly grants: Grant[] = [];
  readonly told: PlatformMessage[] = [];
  /** Those of its hellos that are no longer its own. */
  readonly fenced = new Set<string>();
  #url: () => string;
  readonly #waiting = new Map<string, Sent>();
  readonly #watchers = new Set<() => void>();
  #socket: WebSocket | undefined;
  #isEnded = false;

  private constructor(url: () => string, start: WorkerStart) {
    this.#url = url;
    this.start = start;
  }

  static async launched(url: () => string, bootstrapToken: string, nonce = newUuid()): Promise<ScriptedRunner> {
    const body = JSON.stringify({ protocol: WORKER_PROTOCOL_VERSION, nonce, host: "pod" });
    const headers = { authorization: `Bearer ${bootstrapToken}`, "content-type": "application/json" };
    const response = await patiently(() => fetch(url() + WORKER_START_PATH, { method: "POST", headers, body }));
    if (!response.ok) throw new Error(`the start was refused: ${await response.text()}`);
    const runner = new ScriptedRunner(url, (await response.json()) as WorkerStart);
    await runner.connect();
    return runner;
  }

  /** Says hello with what it has, then everything that was not answered. */
  async connect(): Promise<void> {
    while (!this.#isEnded) {
      const socket = await this.#open();
      if (socket === undefined) {
        await pause();
        continue;
      }
      this.#socket = socket;
      socket.on("message", (data) => {
        for (const message of JSON.parse(String(data)) as PlatformMessage[]) this.#receive(message);
      });
      socket.on("close", () => {
        if (this.#socket === socket && !this.#isEnded) void this.connect();
      });
      const executions = this.grants.slice(-1).map(({ executionId, fence }) => ({ executionId, fence }));
      const hello = {
        protocol: WORKER_PROTOCOL_VERSION,
        workerId: this.start.workerId,
        pid: 1,
        host: "pod",
        executions,
      };
      this.#send({ type: "hello", id: `hello-${newUuid()}`, ...hello });
      if (this.grants.length === 0) this.#send({ type: "capacity", free: 1, granted: 0 });
      for (const { text } of this.#waiting.values()) socket.send(text);
      return;
    }
  }

  /** Cuts the connection, and comes again at once. */
  drop(): void {
    this.#socket?.terminate();
  }

  /** Its connection is cut, and it comes again to another replica. */
  moveTo(url: () => string): void {
    this.#url = url;
    this.#socket?.terminate();
  }

  end(): void {
    this.#isEnded = true;
    this.#socket?.terminate();
  }

  /** The platform's answer, whether it is an error or not. */
  ask(type: string, fields: object, id = newUuid()): Promise<Reply> {
    const { promise, resolve } = Promise.withResolvers<Reply>();
    const text = JSON.stringify([{ type, id, ...fields }]);
    this.#waiting.set(id, { id, text, settle: resolve });
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(text);
    return promise;
  }

  say(message: object): void {
    this.#send(message);
  }

  async granted(nth = 0): Promise<Grant> {
    return this.until(() => this.grants[nth]);
  }

  /** Resolves once `look` finds something among what has come. */
  async until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#watchers.add(resolve);
      await promise;
      this.#watchers.delete(resolve);
    }
  }

  journal(grant: Grant, known: number, entries: JournalAppend[] = []) {
    return this.ask("journal", { ...refOf(grant), known, entries });
  }

  park(grant: Grant, known: number, checkpoint: StoredCheckpoint, ifLost: object = { then: "fail", because: LINE }) {
    return this.ask("park", {
      ...refOf(grant),
      attempt: grant.attempt,
      known,
      mode: "process",
      checkpoint,
      reason: "PROCESS_MODE",
      computeMs: 5,
      ifLost,
    });
  }

  restored(grant: Grant) {
    const { checkpointId } = grant.restore ?? { checkpointId: "none" };
    return this.ask("restored", { ...refOf(grant), checkpointId, fetchMs: 40, restoreMs: 90 });
  }

  complete(grant: Grant, outcome: object = { kind: "completed", outputType: "application/json", output: '"done"' }) {
    return this.ask("complete", { ...refOf(grant), attempt: grant.attempt, outcome, usage: { computeMs: 5 } });
  }

  /** Any status; tried again while the platform is away. */
  chunk(method: "PUT" | "GET", checkpointId: string, number: number, body?: Buffer): Promise<Response> {
    return patiently(() => this.chunkVia(this.#url(), method, checkpointId, number, body));
  }

  chunkVia(url: string, method: "PUT" | "GET", checkpointId: string, number: number, body?: Buffer): Promise<Response> {
    const path = WORKER_CHECKPOINT_CHUNK_PATH.replace(":checkpointId", checkpointId).replace(":number", String(number));
    const headers = { authorization: `Bearer ${this.start.workerToken}` };
    return fetch(url + path, { method, headers, ...(body && { body: new Uint8Array(body) }) });
  }

  async putChunks(checkpointId: string, chunks: Buffer[]): Promise<void> {
    for (const [number, chunk] of chunks.entries()) {
      const { status } = await this.chunk("PUT", checkpointId, number, chunk);
      if (status !== 200) throw new Error(`chunk ${number} was refused with ${status}`);
    }
  }

  async getChunks({ checkpointId, chunks }: { checkpointId: string; chunks: number }): Promise<Buffer[]> {
    const got: Buffer[] = [];
    for (let number = 0; number < chunks; number++) {
      const response = await this.chunk("GET", checkpointId, number);
      if (response.status !== 200) throw new Error(`chunk ${number} was refused with ${response.status}`);
      got.push(Buffer.from(await response.arrayBuffer()));
    }
    return got;
  }

  #open(): Promise<WebSocket | undefined> {
    const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>();
    const headers = { authorization: `Bearer ${this.start.workerToken}` };
    const socket = new WebSocket(this.#url().replace(/^http/, "ws") + WORKER_CHANNEL_PATH, { headers });
    socket.once("open", () => resolve(socket));
    socket.on("error", () => resolve(undefined));
    return promise;
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify([message]));
  }

  #receive(message: PlatformMessage): void {
    if (message.type === "grant") this.grants.push(...message.grants);
    else if (message.type !== "reply") this.told.push(message);
    else this.#answered(message);
    for (const wake of this.#watchers) wake();
  }

  /** As a runner: an error that may pass is no answer. */
  #answered(reply: Reply): void {
    for (const executionId of reply.welcome?.fenced ?? []) this.fenced.add(executionId);
    const sent = this.#waiting.get(reply.id);
    if (sent === undefined) return;
    if (reply.error?.retryable === true) {
      setTimeout(() => this.#socket?.readyState === WebSocket.OPEN && this.#socket.send(sent.text), AGAIN_MS);
      return;
    }
    this.#waiting.delete(reply.id);
    sent.settle(reply);
  }
}

export const LINE = "Line welcome.ts:14 sent bytes.";
export const refOf = ({ executionId, fence }: Grant) => ({ executionId, fence });

/** Until the platform answers, and has its database. */
async function patiently(ask: () => Promise<Response>): Promise<Response> {
  for (;;) {
    const response = await ask().catch(() => undefined);
    if (response !== undefined && response.status < 500) return response;
    await pause();
  }
}
