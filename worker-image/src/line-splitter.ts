import { DEFAULT_LIMITS } from "@gantry/sdk/contract";
import { cutMark, decodeCut } from "./log-limits.ts";

const NEWLINE = 0x0a;
const limit = DEFAULT_LIMITS.logLineBytes;

/** Makes lines of bytes as they come. Never holds more than one line's limit; a longer line is cut and marked. */
export class LineSplitter {
  #kept: Buffer[] = [];
  #keptBytes = 0;
  #lineBytes = 0;

  push(bytes: Buffer): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#keep(bytes.subarray(from, end));
      lines.push(this.#take());
      from = end + 1;
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from));
    return lines;
  }

  /** Of a line that has no end yet. */
  get openBytes(): number {
    return this.#lineBytes;
  }

  /** The last line where it had no end. */
  end(): string[] {
    return this.#lineBytes === 0 ? [] : [this.#take()];
  }

  #keep(bytes: Buffer): void {
    this.#lineBytes += bytes.length;
    const room = limit - this.#keptBytes;
    if (room <= 0 || bytes.length === 0) return;
    // A copy: the caller reads the next chunk into the same buffer.
    const part = Buffer.from(bytes.subarray(0, room));
    this.#kept.push(part);
    this.#keptBytes += part.length;
  }

  #take(): string {
    const bytes = this.#kept.length === 1 ? (this.#kept[0] as Buffer) : Buffer.concat(this.#kept);
    const line = this.#lineBytes > limit ? decodeCut(bytes) + cutMark(this.#lineBytes) : bytes.toString("utf8");
    this.#kept = [];
    this.#keptBytes = 0;
    this.#lineBytes = 0;
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}
