/** A stream that can also be iterated. */
export type AsyncIterableStream<T> = ReadableStream<T> & AsyncIterable<T>;

/** A stream of a generator's values, which takes the next one only when somebody asks for it. */
export function toAsyncIterableStream<T>(values: AsyncGenerator<T, void>): AsyncIterableStream<T> {
  const stream = new ReadableStream<T>(
    {
      async pull(controller) {
        const { done, value } = await values.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        await values.return();
      },
    },
    { highWaterMark: 0 },
  );
  return iterable(stream);
}

/** Not every runtime's ReadableStream can be iterated. */
export function iterable<T>(stream: ReadableStream<T>): AsyncIterableStream<T> {
  if (Symbol.asyncIterator in stream) return stream as AsyncIterableStream<T>;
  return Object.assign(stream as ReadableStream<T>, {
    async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
      const reader = (stream as ReadableStream<T>).getReader();
      try {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          yield value;
        }
      } finally {
        await reader.cancel();
      }
    },
  }) as AsyncIterableStream<T>;
}
