import { AppError } from "../errors.ts";

const NEWLINE = 10;

/**
 * Lines of a stream as they arrive; blank ones are left out. The stream is read no faster than lines are taken.
 *
 * Shape:  `{ number, bytes }`, numbers from 1.
 * Errors: PAYLOAD_TOO_LARGE for a line over `maxLineBytes`, as soon as it is.
 */
export async function* readLines(
  stream: AsyncIterable<Buffer>,
  maxLineBytes: number,
): AsyncGenerator<{ number: number; bytes: Buffer }> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  let number = 0;
  const take = (last: Buffer): Buffer => {
    const line = pending.length === 0 ? last : Buffer.concat([...pending, last]);
    pending = [];
    pendingBytes = 0;
    return line;
  };
  for await (const chunk of stream) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      refuseLong(pendingBytes + end - start, number + 1, maxLineBytes);
      const line = take(chunk.subarray(start, end));
      start = end + 1;
      number += 1;
      if (!isBlank(line)) yield { number, bytes: line };
    }
    if (start < chunk.length) {
      pending.push(chunk.subarray(start));
      pendingBytes += chunk.length - start;
      refuseLong(pendingBytes, number + 1, maxLineBytes);
    }
  }
  const line = take(Buffer.alloc(0));
  if (!isBlank(line)) yield { number: number + 1, bytes: line };
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 32 || byte === 13 || byte === 9);
}

function refuseLong(bytes: number, number: number, maxLineBytes: number): void {
  if (bytes <= maxLineBytes) return;
  throw new AppError(
    "PAYLOAD_TOO_LARGE",
    `Line ${number} is longer than the ${maxLineBytes} bytes that payloadBytes allows.`,
    {
      details: { limit: "payloadBytes", limitBytes: maxLineBytes, line: number },
    },
  );
}
