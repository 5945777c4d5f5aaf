import type { IncomingMessage, ServerResponse } from "node:http";
import { AppError } from "../errors.ts";
import { refuseEncoding } from "./body.ts";

/** A worker's bytes come and go at once, or it has lost its network: nobody else is to wait for it. */
export const CHUNK_TIMEOUT_MS = 30_000;

/** Whether a body may come at all, before a byte of it is read. Errors: BODY_TOO_LARGE, BAD_REQUEST, UNSUPPORTED_MEDIA_TYPE. */
export function chunkLength(req: IncomingMessage, maxBytes: number): number {
  refuseEncoding(req);
  const length = Number(req.headers["content-length"]);
  if (!Number.isInteger(length) || length === 0)
    throw new AppError("BAD_REQUEST", "A chunk is not empty, and says its Content-Length.");
  if (length > maxBytes) {
    throw new AppError("BODY_TOO_LARGE", `The chunk is of ${length} bytes; it may have ${maxBytes}.`, {
      details: { limit: "checkpointChunkBytes", limitBytes: maxBytes, bytes: length },
    });
  }
  return length;
}

/** Fills `chunk` with a body of its length. Errors: BAD_REQUEST where it does not come whole, and in time. */
export function readChunk(req: IncomingMessage, chunk: Buffer, timeoutMs = CHUNK_TIMEOUT_MS): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let size = 0;
  const onData = (part: Buffer) => (size += part.copy(chunk, size));
  const onEnd = () => (size === chunk.length ? resolve() : onClose());
  const onClose = () => reject(new AppError("BAD_REQUEST", "The connection closed before the whole chunk had come."));
  const timer = setTimeout(() => {
    reject(new AppError("BAD_REQUEST", `The chunk did not come within ${timeoutMs / 1000} seconds.`));
    req.destroy();
  }, timeoutMs);
  if (req.destroyed && !req.readableEnded) onClose();
  req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  return promise.finally(() => {
    clearTimeout(timer);
    req.off("data", onData).off("end", onEnd).off("close", onClose);
  });
}

/** Answers with these bytes; settles once they are the network's, or will never be. */
export function sendChunk(res: ServerResponse, chunk: Buffer, timeoutMs = CHUNK_TIMEOUT_MS): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => res.destroy(), timeoutMs);
  res.on("finish", resolve).on("close", resolve);
  res.setHeader("content-type", "application/octet-stream");
  res.setHeader("content-length", chunk.length);
  res.setHeader("cache-control", "no-store");
  res.end(chunk);
  return promise.finally(() => clearTimeout(timer));
}

/** Buffers for chunks that come, each used again and again: a hundred megabytes that come in a second leave no litter. */
export class ChunkBuffers {
  readonly #bytes: number;
  readonly #free: Buffer[] = [];

  /** No chunk is larger. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** The buffer is the work's until that has ended, and nobody's from then on. */
  async lend<T>(length: number, work: (chunk: Buffer) => Promise<T>): Promise<T> {
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bytes);
    try {
      return await work(buffer.subarray(0, length));
    } finally {
      this.#free.push(buffer);
    }
  }
}
