import { type EncodedValue } from "../../client/packet.ts";
import { DEFAULT_LIMITS } from "../../contract/limits.ts";
import { encodeChecked } from "../encode-output.ts";
import { valueTooLarge } from "./durable-errors.ts";

/** A value of the journal as text. Errors: NOT_SERIALIZABLE with its path, JOURNAL_VALUE_TOO_LARGE. */
export function encodeJournalValue(value: unknown, label: string): EncodedValue {
  const encoded = encodeChecked(value, "result", `What the step "${label}" returned`);
  const { data } = encoded;
  const limit = DEFAULT_LIMITS.journalValueBytes;
  if (data === undefined || data.length * 3 <= limit) return encoded;
  const bytes = Buffer.byteLength(data);
  if (bytes > limit) throw valueTooLarge(label, bytes, limit);
  return encoded;
}
