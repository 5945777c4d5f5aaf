import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { AppError, type ErrorCode } from "../errors.ts";

/** What a body may be. `limit` is the name the error says, `code` its code. */
export interface BodyLimit {
  bytes: number;
  name: string;
  code?: ErrorCode;
}

/** How much of a refused body is still read, and thrown away, so that the client gets to see the answer. */
const DRAIN_BYTES = 32 * 1024 * 1024;

/** For a whole body, however small its pieces. */
const BODY_TIMEOUT_MS = 300_000;

/**
 * Reads a whole body. One that says it is too long is refused before a byte of it is kept; one that lies, as soon as it is.
 *
 * Errors: the limit's code (413), UNSUPPORTED_MEDIA_TYPE for a compressed body, BAD_REQUEST where the client went away.
 */
export function readBody(req: IncomingMessage, limit: BodyLimit): Promise<Buffer> {
  refuseEncoding(req);
  refuseLength(req, limit);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const onData = (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit.bytes) {
        stop();
        drain(req);
        reject(tooLarge(limit, undefined));
        return;
      }
      chunks.push(chunk);
    };
    const onEnd = () => {
      stop();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
    };
    const onClose = () => {
      stop();
      reject(new AppError("BAD_REQUEST", "The connection closed before the whole body had come."));
    };
    const onLate = () => {
      stop();
      req.destroy();
      reject(new AppError("BAD_REQUEST", `The body did not come within ${BODY_TIMEOUT_MS / 1000} seconds.`));
    };
    const timer = setTimeout(onLate, BODY_TIMEOUT_MS);
    const stop = () => {
      clearTimeout(timer);
      req.off("data", onData).off("end", onEnd).off("close", onClose).off("error", onClose);
    };
    req.on("data", onData).on("end", onEnd).on("close", onClose).on("error", onClose);
  });
}

/** A JSON body, parsed once; `undefined` where there is none. */
export async function readJson(req: IncomingMessage, limit: BodyLimit): Promise<unknown> {
  const length = req.headers["content-length"];
  if (length === "0" || (length === undefined && req.headers["transfer-encoding"] === undefined)) return undefined;
  const type = req.headers["content-type"];
  if (type !== undefined && !/^application\/(?:[\w.+-]+\+)?json\b/i.test(type)) {
    throw new AppError(
      "UNSUPPORTED_MEDIA_TYPE",
      `The body's Content-Type is "${type.slice(0, 100)}", not application/json.`,
    );
  }
  return parseJson(await readBody(req, limit));
}

/** Errors: BAD_JSON, with where it went wrong. An empty text is `undefined`. */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined;
  if (!isUtf8(bytes)) throw new AppError("BAD_JSON", "The body is not valid UTF-8.");
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new AppError("BAD_JSON", `The body is not valid JSON: ${(error as Error).message.slice(0, 200)}`);
  }
}

export function refuseEncoding(req: IncomingMessage): void {
  const encoding = req.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw new AppError(
      "UNSUPPORTED_MEDIA_TYPE",
      `A body with Content-Encoding "${encoding.slice(0, 50)}" is not accepted; send it plain.`,
    );
  }
}

function refuseLength(req: IncomingMessage, limit: BodyLimit): void {
  const length = Number(req.headers["content-length"] ?? 0);
  if (length <= limit.bytes) return;
  drain(req);
  throw tooLarge(limit, length);
}

function tooLarge(limit: BodyLimit, bytes: number | undefined): AppError {
  const said = bytes === undefined ? "longer than" : `of ${bytes} bytes; more than`;
  return new AppError(
    limit.code ?? "BODY_TOO_LARGE",
    `The body is ${said} the ${limit.bytes} bytes that ${limit.name} allows.`,
    {
      details: { limit: limit.name, limitBytes: limit.bytes, ...(bytes === undefined ? {} : { bytes }) },
    },
  );
}

/** Throws the rest of a body away; cuts the connection where there is too much of it. */
export function drain(req: IncomingMessage): void {
  let seen = 0;
  req.on("error", () => {});
  req.on("data", (chunk: Buffer) => {
    seen += chunk.length;
    if (seen > DRAIN_BYTES) req.destroy();
  });
  req.resume();
}
