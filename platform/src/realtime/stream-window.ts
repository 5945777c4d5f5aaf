/** Chunks that a reader may have been sent and not taken yet; a message of more is the last one until some are taken. */
const WINDOW_CHUNKS = 2000;
/** JSON of them. */
const WINDOW_BYTES = 256 * 1024;

/** What a reader was sent and has not said that it took. */
export class StreamWindow {
  readonly #sent: { next: number; bytes: number }[] = [];
  #bytes = 0;
  #taken: number;

  constructor(from: number) {
    this.#taken = from;
  }

  /** Room for JSON of so many bytes; 0: not until the reader takes some. */
  get room(): number {
    const next = this.#sent.at(-1)?.next ?? this.#taken;
    return next - this.#taken >= WINDOW_CHUNKS ? 0 : Math.max(0, WINDOW_BYTES - this.#bytes);
  }

  sent(next: number, bytes: number): void {
    this.#sent.push({ next, bytes });
    this.#bytes += bytes;
  }

  /** All chunks below `next`; what a reader says twice, or says too much, changes nothing more. */
  taken(next: number): void {
    this.#taken = Math.max(this.#taken, next);
    for (let first = this.#sent[0]; first !== undefined && first.next <= next; first = this.#sent[0]) {
      this.#bytes -= first.bytes;
      this.#sent.shift();
    }
  }
}
