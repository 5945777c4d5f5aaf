import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ApiError } from "./api-error.ts";
import { StreamProducer } from "./stream-producer.ts";
import type { StreamAppend } from "./stream-requests.ts";

/** A platform's one stream, as append-policy.ts decides. */
class Platform {
  readonly chunks: string[] = [];
  readonly #producers = new Map<string, string[]>();
  readonly requests: StreamAppend[] = [];
  isEnded = false;
  /** Held until it is resolved, where it is set. */
  gate: Promise<void> | undefined;

  readonly append = async (request: StreamAppend) => {
    this.requests.push(request);
    await this.gate;
    const { producer, sequence, chunks, end = false } = request;
    const stored = this.#producers.get(producer) ?? [];
    if (sequence > stored.length) throw new Error("a gap");
    const again = stored.slice(sequence, sequence + chunks.length);
    if (again.some((chunk, index) => chunk !== chunks[index])) throw new ApiError("differs", diverged());
    const fresh = chunks.slice(again.length);
    this.#producers.set(producer, [...stored, ...fresh]);
    this.chunks.push(...fresh);
    this.isEnded ||= end;
    return { next: this.chunks.length, sequence: stored.length + fresh.length, isEnded: this.isEnded };
  };
}

function diverged() {
  return { status: 409, code: "STREAM_DIVERGED", remedy: "", cause: undefined };
}

function producer(platform: Platform, name = "p", attempt = 1): StreamProducer {
  return new StreamProducer({
    append: platform.append,
    names: [name, `${name}@${attempt}`, `${name}@${attempt}:x`],
    gapMs: 0,
  });
}

async function writeAll(to: StreamProducer, chunks: readonly string[]): Promise<void> {
  for (const chunk of chunks) await to.write(chunk);
  await to.flush();
}

describe("a producer", () => {
  it("sends one request at a time, and what came meanwhile with the next", async () => {
    const platform = new Platform();
    const gate = Promise.withResolvers<void>();
    platform.gate = gate.promise;
    const one = producer(platform);
    for (const chunk of ["1", "2"]) void one.write(chunk);
    await new Promise((turn) => setImmediate(turn));
    for (const chunk of ["3", "4"]) void one.write(chunk);
    await new Promise((turn) => setImmediate(turn));
    expect(platform.requests.map(({ chunks }) => chunks)).toEqual([["1", "2"]]);
    gate.resolve();
    await one.end();
    expect(platform.chunks).toEqual(["1", "2", "3", "4"]);
    expect([platform.requests.length, platform.isEnded]).toEqual([3, true]);
  });

  it("makes its writer wait while 64 KB wait to be stored", async () => {
    const platform = new Platform();
    const gate = Promise.withResolvers<void>();
    platform.gate = gate.promise;
    const one = producer(platform);
    const chunk = JSON.stringify("x".repeat(1022));
    let written = 0;
    const writing = (async () => {
      for (; written < 200; written++) await one.write(chunk);
    })();
    for (let turn = 0; turn < 300; turn++) await new Promise((next) => setImmediate(next));
    expect(written).toBe(63);
    gate.resolve();
    await writing;
    await one.flush();
    expect(platform.chunks).toHaveLength(200);
  });

  it("writes nothing more after a refusal, and says why to everybody who writes or waits", async () => {
    const refused = new ApiError("The stream is full.", { ...diverged(), code: "STREAM_LIMIT" });
    const one = new StreamProducer({ append: () => Promise.reject(refused), names: ["p"], gapMs: 0 });
    void one.write("1").catch(() => undefined);
    await expect(one.flush()).rejects.toBe(refused);
    await expect(one.write("2")).rejects.toBe(refused);
    expect(one.hasUnsent).toBe(false);
  });

  it("writes what earlier passes wrote once, goes on behind it, and writes all of what differs", async () => {
    const text = fc.array(fc.constantFrom("1", "2", "3"), { maxLength: 12 });
    const isPrefix = (one: string[], other: string[]) => one.every((chunk, index) => chunk === other[index]);
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 4 }), async (attempts) => {
        const platform = new Platform();
        let first: string[] = [];
        const expected: string[] = [];
        for (const [index, chunks] of attempts.entries()) {
          // Each pass twice: what a replay of the attempt yields again is there already.
          await writeAll(producer(platform, "p", index + 1), chunks);
          await writeAll(producer(platform, "p", index + 1), chunks);
          if (isPrefix(first, chunks)) {
            expected.push(...chunks.slice(first.length));
            first = chunks;
          } else if (!isPrefix(chunks, first)) expected.push(...chunks);
        }
        expect(platform.chunks).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
