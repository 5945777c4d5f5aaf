import { decodeValue } from "../client/packet.ts";
import { type StoredAnswer, storedAnswer } from "./test-answers.ts";
import type { TestToken, TestTokens } from "./test-tokens.ts";

interface Stream {
  /** JSON texts. */
  chunks: string[];
  /** Of each producer, what it stored. */
  producers: Map<string, string[]>;
  isEnded: boolean;
  readers: Set<() => void>;
  /** Of an input stream: tokens that wait, and how many messages were given to some. */
  waits: TestToken[];
  taken: number;
}

interface AppendBody {
  producer: string;
  sequence: number;
  chunks: unknown[];
  end?: boolean;
}

const PATH = /^\/realtime\/v1\/streams\/([^/]+)\/(input\/)?([^/]+)$/;
const WAIT_PATH = /^\/api\/v1\/runs\/([^/]+)\/input-streams\/wait$/;

/** The API of streams in memory, for the runs of a unit test. */
export class TestStreams {
  readonly #runId: string;
  readonly #tokens: TestTokens;
  readonly #streams = new Map<string, Stream>();
  readonly #order: string[] = [];

  /** `inputs`: messages that the run finds, by the stream's id. */
  constructor(runId: string, tokens: TestTokens, inputs: Record<string, readonly unknown[]> = {}) {
    this.#runId = runId;
    this.#tokens = tokens;
    for (const [id, messages] of Object.entries(inputs)) for (const message of messages) this.#send(runId, id, message);
  }

  /** What the run wrote, by the stream's id; streams of other runs as `run/id`. */
  get written(): Record<string, unknown[]> {
    const outputs = this.#order.filter((key) => !key.includes("/input/"));
    return Object.fromEntries(
      outputs.map((key) => [
        key.startsWith(`${this.#runId}/`) ? key.slice(this.#runId.length + 1) : key,
        this.#at(key).chunks.map((text) => JSON.parse(text) as unknown),
      ]),
    );
  }

  /** Undefined: the request is not about streams. */
  answer(method: string, url: URL, body: string, signal: AbortSignal | undefined): Response | undefined {
    const [, waitingRun] = WAIT_PATH.exec(url.pathname) ?? [];
    if (waitingRun !== undefined) return reply(200, this.#wait(decodeURIComponent(waitingRun), JSON.parse(body)));
    const [, run, input, name] = PATH.exec(url.pathname)?.map((part) => part && decodeURIComponent(part)) ?? [];
    if (run === undefined || name === undefined) return undefined;
    const key = keyOf(run, name, input !== undefined);
    if (method === "GET") return this.#read(key, url.searchParams.get("from"), signal);
    if (input === undefined) return this.#append(key, JSON.parse(body));
    return reply(200, { ok: true, index: this.#send(run, name, (JSON.parse(body) as { data: unknown }).data) });
  }

  /** Those who still read hear no more: the pass of the function is over. */
  endReading(): void {
    for (const { readers } of this.#streams.values()) {
      for (const read of readers) {
        readers.delete(read);
        read();
      }
    }
  }

  #at(key: string): Stream {
    const known = this.#streams.get(key);
    if (known) return known;
    const made = {
      chunks: [],
      producers: new Map(),
      isEnded: false,
      readers: new Set<() => void>(),
      waits: [],
      taken: 0,
    };
    this.#streams.set(key, made);
    this.#order.push(key);
    return made;
  }

  #append(key: string, { producer, sequence, chunks, end = false }: AppendBody): Response {
    const stream = this.#at(key);
    const stored = stream.producers.get(producer) ?? [];
    const texts = chunks.map((chunk) => JSON.stringify(chunk));
    const again = stored.slice(sequence, sequence + texts.length);
    if (again.some((text, index) => text !== texts[index]))
      return reply(409, { error: "It is not what was stored before.", code: "STREAM_DIVERGED" });
    const fresh = texts.slice(again.length);
    stream.producers.set(producer, [...stored, ...fresh]);
    stream.chunks.push(...fresh);
    stream.isEnded ||= end;
    this.#tell(stream);
    const next = stream.chunks.length;
    return reply(200, { next, sequence: stored.length + fresh.length, isEnded: stream.isEnded });
  }

  #send(run: string, name: string, data: unknown): number {
    const stream = this.#at(keyOf(run, name, true));
    const index = stream.chunks.push(JSON.stringify(data ?? null)) - 1;
    const waiting = stream.waits.find(({ answer }) => answer === undefined);
    if (waiting && stream.taken === index) this.#give(stream, waiting);
    this.#tell(stream);
    return index;
  }

  #wait(run: string, body: { streamId: string; timeout?: string; idempotencyKey?: string; tags?: string[] }): object {
    const stream = this.#at(keyOf(run, body.streamId, true));
    const { id, isCached } = this.#tokens.create(body);
    if (isCached) return { waitpointId: id, isCached };
    const token = this.#tokens.get(id);
    token.answerOf = (answer) => this.#answerByTest(stream, answer);
    if (stream.taken < stream.chunks.length) this.#give(stream, token);
    else stream.waits.push(token);
    return { waitpointId: id, isCached };
  }

  #give(stream: Stream, token: TestToken): void {
    const index = stream.taken++;
    const output = { index, data: JSON.parse(stream.chunks[index] as string) as unknown };
    token.answer = storedAnswer({ output });
    this.#tokens.onComplete?.(token);
  }

  /** The test's `onWait` gives the message alone; it becomes the stream's next. */
  #answerByTest(stream: Stream, answer: StoredAnswer): StoredAnswer {
    if (!answer.ok) return answer;
    const data = decodeValue(answer.value, answer.valueType);
    const index = stream.chunks.push(JSON.stringify(data ?? null)) - 1;
    stream.taken = index + 1;
    this.#tell(stream);
    return storedAnswer({ output: { index, data } });
  }

  /** NDJSON of what is there, and of what comes until the pass ends. */
  #read(key: string, from: string | null, signal: AbortSignal | undefined): Response {
    const stream = this.#at(key);
    let next = from === "latest" ? stream.chunks.length : Number(from ?? 0);
    const encoder = new TextEncoder();
    const lines = new ReadableStream<Uint8Array>({
      start(controller) {
        const line = (value: object) => controller.enqueue(encoder.encode(`${JSON.stringify(value)}\n`));
        const read = () => {
          for (; next < stream.chunks.length; next++)
            line({ index: next, data: stream.chunks[next], at: new Date(0).toISOString() });
          if (stream.readers.has(read) && !stream.isEnded) return;
          stream.readers.delete(read);
          line({ next, isEnded: true });
          controller.close();
        };
        stream.readers.add(read);
        signal?.addEventListener("abort", () => {
          if (stream.readers.delete(read)) controller.error(signal.reason);
        });
        read();
      },
    });
    return new Response(lines, { headers: { "content-type": "application/x-ndjson" } });
  }

  #tell({ readers }: Stream): void {
    for (const read of readers) read();
  }
}

function keyOf(run: string, name: string, isInput: boolean): string {
  return `${run}/${isInput ? "input/" : ""}${name}`;
}

function reply(status: number, body: object): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { "content-type": "application/json", "x-should-retry": "false" },
  });
}
