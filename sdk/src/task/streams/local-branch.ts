import { type AsyncIterableStream, iterable } from "../../client/iterable-stream.ts";

/** The values of a source for the code that pipes it: kept until they are read, from the first on. */
export class LocalBranch<T> {
  readonly stream: AsyncIterableStream<T>;
  #controller: ReadableStreamDefaultController<T> | undefined;
  #isOver = false;
  #wanted = Promise.withResolvers<void>();

  constructor() {
    const stream = new ReadableStream<T>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#wanted.resolve(),
        cancel: () => {
          this.#isOver = true;
          this.#wanted.resolve();
        },
      },
      { highWaterMark: 0 },
    );
    this.stream = iterable(stream);
  }

  /** Its reader has gone away. */
  get isOver(): boolean {
    return this.#isOver;
  }

  push(value: T): void {
    if (!this.#isOver) this.#controller?.enqueue(value);
  }

  /** Resolves when somebody waits for a value. */
  async wanted(): Promise<void> {
    if ((this.#controller?.desiredSize ?? 0) < 0) this.#wanted = Promise.withResolvers();
    await this.#wanted.promise;
    this.#wanted = Promise.withResolvers();
  }

  close(): void {
    if (!this.#isOver) this.#controller?.close();
    this.#isOver = true;
  }

  fail(error: unknown): void {
    if (!this.#isOver) this.#controller?.error(error);
    this.#isOver = true;
  }
}
