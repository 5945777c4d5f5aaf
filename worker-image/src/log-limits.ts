import { DEFAULT_LIMITS, type RunEvent } from "@gantry/sdk/contract";

const { logLineBytes, logLinesPerAttempt, logBytesPerAttempt } = DEFAULT_LIMITS;

/** A line that was cut before, where it was made, carries a mark, and is not cut again. */
const MARK_BYTES = 128;

/** Counts one attempt's lines; says which to keep. After the limit one last event says so. */
export class LogLimit {
  #lines = 0;
  #bytes = 0;
  #truncated = false;

  /** The event to store for `event`: itself, cut where it is too long; the mark of the end; or nothing. */
  admit(event: RunEvent): RunEvent | undefined {
    if (this.#truncated) return undefined;
    const kept = cutEvent(event);
    this.#lines += 1;
    this.#bytes += Buffer.byteLength(kept.message) + (kept.data === undefined ? 0 : Buffer.byteLength(kept.data));
    if (this.#lines <= logLinesPerAttempt && this.#bytes <= logBytesPerAttempt) return kept;
    this.#truncated = true;
    return {
      at: event.at,
      kind: "event",
      level: "warn",
      message: `LOGS_TRUNCATED: the attempt wrote more than ${logLinesPerAttempt} lines or ${logBytesPerAttempt / 1024 / 1024} MB; what follows is dropped`,
    };
  }

  /** True once nothing more is kept. */
  get isFull(): boolean {
    return this.#truncated;
  }
}

function cutEvent(event: RunEvent): RunEvent {
  const isLong =
    event.message.length * 3 > logLineBytes && Buffer.byteLength(event.message) > logLineBytes + MARK_BYTES;
  const isDataLong = event.data !== undefined && Buffer.byteLength(event.data) > logLineBytes;
  if (!isLong && !isDataLong) return event;
  return {
    ...event,
    ...(isLong ? { message: cutText(event.message) } : {}),
    ...(isDataLong
      ? { data: JSON.stringify({ truncated: `data of ${Buffer.byteLength(event.data as string)} bytes was left out` }) }
      : {}),
  };
}

function cutText(text: string): string {
  const bytes = Buffer.from(text);
  return `${decodeCut(bytes.subarray(0, logLineBytes))}${cutMark(bytes.length)}`;
}

/** What follows a line that was cut. */
export function cutMark(bytes: number): string {
  return `… (cut: ${bytes} bytes, the limit is ${logLineBytes})`;
}

/** Text of bytes that may end within a character. */
export function decodeCut(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes).replace(/\uFFFD$/, "");
}
