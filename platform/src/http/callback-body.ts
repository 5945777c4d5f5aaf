import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { AppError } from "../errors.ts";
import type { Packet } from "../runs/run.ts";
import { type BodyLimit, parseJson, readBody } from "./body.ts";

const CALLBACK_BODY: BodyLimit = { bytes: 512 * 1024, name: "callbackBytes" };
const JSON_TYPE = "application/json";

/**
 * What a webhook sent, as a token's output: JSON as it is, a form as an object of its fields (several of one name as an
 * array), anything else as text. An empty body is no output.
 *
 * Errors: BODY_TOO_LARGE, BAD_JSON, UNSUPPORTED_MEDIA_TYPE for bytes that are no text, and for files.
 */
export async function readCallback(req: IncomingMessage): Promise<Packet> {
  const type = (req.headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if (type.startsWith("multipart/")) {
    throw new AppError("UNSUPPORTED_MEDIA_TYPE", "A callback takes no files: send JSON, text or a form without them.");
  }
  const data = await readBody(req, CALLBACK_BODY);
  if (data.length === 0) return { data, type: JSON_TYPE };
  if (type === "application/x-www-form-urlencoded") return formPacket(data);
  if (isJsonType(type)) {
    parseJson(data);
    return { data, type: JSON_TYPE };
  }
  if (!isUtf8(data)) throw new AppError("UNSUPPORTED_MEDIA_TYPE", "A callback's body must be JSON, a form or text.");
  return { data, type: !type.startsWith("text/") && isJson(data) ? JSON_TYPE : "text/plain" };
}

const isJsonType = (type: string) => type === JSON_TYPE || /^application\/[\w.+-]+\+json$/.test(type);

function isJson(data: Buffer): boolean {
  try {
    JSON.parse(data.toString("utf8"));
    return true;
  } catch {
    return false;
  }
}

function formPacket(data: Buffer): Packet {
  const fields = new URLSearchParams(data.toString("utf8"));
  const entries = [...new Set(fields.keys())].map((name) => {
    const values = fields.getAll(name);
    return [name, values.length === 1 ? values[0] : values];
  });
  return { data: Buffer.from(JSON.stringify(Object.fromEntries(entries)), "utf8"), type: JSON_TYPE };
}
