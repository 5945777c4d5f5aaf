import { once } from "node:events";
import type { StreamChunk, StreamReadEnd } from "@gantry/sdk/contract";
import type { Response } from "express";
import type { StreamReading } from "../streams/stream.ts";

/** Proxies cut connections that are silent for a minute. */
const BLANK_MS = 15_000;
/** JSON of chunks that are read and written at a time: what one reader keeps in memory. */
const PAGE_BYTES = 64 * 1024;

/** How chunks are written into a response. */
export interface StreamFormat {
  headers: Record<string, string>;
  chunks(chunks: readonly StreamChunk[]): string;
  blank: string;
  end(end: StreamReadEnd): string;
}

/** One StreamChunk a line, and a StreamReadEnd last. */
export const NDJSON_FORMAT: StreamFormat = {
  headers: { "content-type": "application/x-ndjson; charset=utf-8" },
  chunks: (chunks) => chunks.map((chunk) => `${JSON.stringify(chunk)}\n`).join(""),
  blank: "\n",
  end: (end) => `${JSON.stringify(end)}\n`,
};

/** Trigger.dev's: events `batch` of records, whose body is JSON text of `{ data }`. */
export const EVENT_STREAM_FORMAT: StreamFormat = {
  headers: { "content-type": "text/event-stream; charset=utf-8", "x-stream-version": "v2" },
  chunks(chunks) {
    const records = chunks.map(({ index, data, at }) => ({
      seq_num: index,
      body: `{"data":${data}}`,
      timestamp: Date.parse(at),
      headers: [],
    }));
    return `event: batch\nid: ${chunks.at(-1)?.index ?? 0}\ndata: ${JSON.stringify({ records })}\n\n`;
  },
  blank: ": \n\n",
  end: () => "",
};

export interface FollowOptions {
  format: StreamFormat;
  /** Ends when no chunk has come for so long. */
  timeoutMs: number;
  /** Ends then in any case: the credential has expired. Milliseconds from now. */
  maxMs: number | undefined;
}

/**
 * Writes a stream into a response as it grows. It is read no faster than the client takes it. Closes the reading.
 *
 * Errors: of the reading, before anything was written or, where something was, as a connection that is cut.
 */
export async function followStream(res: Response, reading: StreamReading, options: FollowOptions): Promise<void> {
  const { format, timeoutMs, maxMs } = options;
  const over = new AbortController();
  const blank = setInterval(() => res.write(format.blank), BLANK_MS);
  const expiry = maxMs === undefined ? undefined : setTimeout(() => over.abort(), Math.min(maxMs, 2 ** 31 - 1));
  res.on("close", () => over.abort());
  begin(res, format);
  try {
    const isEnded = await writeChunks(res, reading, { format, timeoutMs, over: over.signal });
    if (!res.destroyed) res.end(format.end({ next: reading.next, isEnded }));
  } finally {
    clearInterval(blank);
    clearTimeout(expiry);
    reading.close();
  }
}

function begin(res: Response, { headers }: StreamFormat): void {
  res.status(200);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.setHeader("cache-control", "no-store");
  // Nginx would keep chunks until it has a buffer full of them.
  res.setHeader("x-accel-buffering", "no");
  res.flushHeaders();
}

interface Writing {
  format: StreamFormat;
  timeoutMs: number;
  over: AbortSignal;
}

/** Whether the stream has ended. */
async function writeChunks(
  res: Response,
  reading: StreamReading,
  { format, timeoutMs, over }: Writing,
): Promise<boolean> {
  while (!over.aborted) {
    const { chunks, isEnded } = await readWithin(reading, timeoutMs, over);
    if (chunks.length > 0 && !res.write(format.chunks(chunks))) {
      await once(res, "drain", { signal: over }).catch(() => undefined);
    }
    if (isEnded) return true;
    if (chunks.length === 0) return false;
  }
  return false;
}

async function readWithin(reading: StreamReading, timeoutMs: number, over: AbortSignal) {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  try {
    return await reading.read(PAGE_BYTES, AbortSignal.any([over, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}
