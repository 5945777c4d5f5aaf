import { type FileHandle, open, rm } from "node:fs/promises";
import { LineSplitter } from "./line-splitter.ts";

const CHUNK_BYTES = 64 * 1024;
/** Beyond this an output file that was read is emptied; what a full attempt goes on writing is thrown away. */
const EMPTY_ABOVE_BYTES = 32 * 1024 * 1024;
const TAIL_BYTES = 4096;
/** A file that was read and is larger than this becomes a hole of its size when its process is stored. */
const HOLE_ABOVE_BYTES = 16 * 1024;

interface ReadOptions {
  upTo?: number;
  isWanted?: () => boolean;
  isLast?: boolean;
  /** The process is stored with the file as large as it is. */
  keepsSize?: boolean;
}

/**
 * One output stream of a task process: a file that the process writes (by path: a frozen process can be thawed elsewhere)
 * and the runner reads. Reads never overlap; each goes on where the last one ended.
 */
export class OutputFile {
  readonly path: string;
  readonly #file: FileHandle;
  #offset: number;
  #splitter = new LineSplitter();
  #tail = "";
  #reading: Promise<void> = Promise.resolve();

  private constructor(path: string, file: FileHandle, offset: number) {
    this.path = path;
    this.#file = file;
    this.#offset = offset;
  }

  /** `offset`: up to where it was read before. */
  static async create(path: string, offset = 0): Promise<OutputFile> {
    return new OutputFile(path, await open(path, "a+"), offset);
  }

  /** Descriptor for the child, opened for appending. */
  get fd(): number {
    return this.#file.fd;
  }

  /** The last few KB that were read: where V8 says why it died. */
  get tail(): string {
    return this.#tail;
  }

  /** True where everything up to `size` was read. */
  hasReadTo(size: number): boolean {
    return size <= this.#offset;
  }

  /** Reads on to `upTo` bytes, or to the end. `isWanted` is asked before each chunk: false skips it. */
  read(onLines: (lines: string[]) => void, options: ReadOptions = {}): Promise<void> {
    this.#reading = this.#reading.then(() => this.#readOn(onLines, options)).catch(() => undefined);
    return this.#reading;
  }

  async #readOn(
    onLines: (lines: string[]) => void,
    { upTo = Number.POSITIVE_INFINITY, isWanted = () => true, isLast = false, keepsSize = false }: ReadOptions,
  ): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    while (this.#offset < upTo) {
      if (!isWanted()) {
        await this.#skip(keepsSize);
        break;
      }
      const { bytesRead } = await this.#file.read(buffer, 0, Math.min(CHUNK_BYTES, upTo - this.#offset), this.#offset);
      if (bytesRead === 0) break;
      this.#offset += bytesRead;
      const bytes = buffer.subarray(0, bytesRead);
      this.#tail = (this.#tail + bytes.toString("latin1")).slice(-TAIL_BYTES);
      const lines = this.#splitter.push(bytes);
      if (lines.length > 0) onLines(lines);
    }
    if (!isLast) return;
    const rest = this.#splitter.end();
    if (rest.length > 0) onLines(rest);
  }

  async #skip(keepsSize: boolean): Promise<void> {
    const { size } = await this.#file.stat();
    this.#splitter = new LineSplitter();
    this.#offset = size;
    if (size > EMPTY_ABOVE_BYTES && !keepsSize) await this.empty();
  }

  /**
   * Where another runner is to go on reading, the process being stopped. A file that was read need not be stored: it keeps its
   * size, which the process relies upon, and loses its content.
   */
  async leave(): Promise<{ path: string; offset: number }> {
    await this.#reading;
    const { path } = this;
    const offset = this.#offset - this.#splitter.openBytes;
    const { size } = await this.#file.stat();
    if (size <= HOLE_ABOVE_BYTES || offset !== size) return { path, offset };
    await this.#file.truncate(0);
    await this.#file.truncate(size);
    return { path, offset };
  }

  /** Forgets what was read, so that a process that lives long does not fill the disk. */
  async empty(): Promise<void> {
    await this.#file.truncate(0);
    this.#offset = 0;
  }

  /** Empties a file that was read to its end and is larger than `bytes`. */
  trim(bytes: number): void {
    if (this.#offset <= bytes) return;
    this.#reading = this.#reading
      .then(async () => {
        if ((await this.#file.stat()).size === this.#offset) await this.empty();
      })
      .catch(() => undefined);
  }

  async remove(): Promise<void> {
    await this.#reading;
    await this.#file.close().catch(() => undefined);
    await rm(this.path, { force: true }).catch(() => undefined);
  }
}
