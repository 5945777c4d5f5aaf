import { type PipeStreamOptions, type PipeStreamResult, pipeTo, type StreamSource } from "./pipe.ts";

export interface StreamWriter<T> {
  /** Resolves when there is room for more: who awaits it writes no faster than the platform stores. */
  write(part: T): Promise<void>;
  /** Writes all of another stream, beside what else is written. */
  merge(stream: StreamSource<T>): void;
}

export type WriterStreamOptions<T> = PipeStreamOptions & {
  /** The stream ends its part when this and all that was merged has ended. */
  execute: (writer: StreamWriter<T>) => Promise<void> | void;
};

/** See `streams.writer`. */
export function writeTo<T>(what: string, stream: string, options: WriterStreamOptions<T>): PipeStreamResult<T> {
  const { execute, ...rest } = options;
  const parts = new Parts<T>();
  const merging: Promise<void>[] = [];
  const writer: StreamWriter<T> = {
    write: (part) => parts.push(part),
    merge(source) {
      const merged = mergeInto(parts, source);
      // It is awaited in its turn.
      merged.catch(() => undefined);
      merging.push(merged);
    },
  };
  const all = async () => {
    await execute(writer);
    // What is merged may merge more.
    for (const each of merging) await each;
  };
  const result = pipeTo(what, stream, parts, rest);
  all().then(
    () => parts.end(),
    (error: unknown) => parts.fail(error),
  );
  return result;
}

async function mergeInto<T>(parts: Parts<T>, source: StreamSource<T>): Promise<void> {
  for await (const part of source as AsyncIterable<T>) await parts.push(part);
}

/** Values that are written here and read there. */
class Parts<T> implements AsyncIterable<T> {
  #queue: { part: T; taken: () => void }[] = [];
  #changed = Promise.withResolvers<void>();
  #end: { error?: unknown } | undefined;

  /** Resolves when it is taken. */
  push(part: T): Promise<void> {
    if (this.#end) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#queue.push({ part, taken: resolve });
    this.#change();
    return promise;
  }

  end(): void {
    this.#end ??= {};
    this.#change();
  }

  fail(error: unknown): void {
    this.#end ??= { error };
    this.#change();
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (;;) {
        const first = this.#queue.shift();
        if (first) {
          first.taken();
          yield first.part;
        } else if (this.#end) {
          if ("error" in this.#end) throw this.#end.error;
          return;
        } else await this.#changed.promise;
      }
    } finally {
      // Nobody reads on: who writes need not wait.
      this.#end ??= {};
      for (const { taken } of this.#queue.splice(0)) taken();
    }
  }
}
