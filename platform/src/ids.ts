import { randomBytes, randomFillSync } from "node:crypto";

/**
 * Ids are UUIDs in the database (version 7: time first, so that inserts append to their index) and a prefix with 26
 * characters of Crockford's base 32 outside: `run_01k…`. Both sort by time of making.
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const VALUES = new Map(Array.from(ALPHABET, (character, value) => [character, value] as const));

export type IdPrefix =
  | "run"
  | "sched"
  | "batch"
  | "bulk"
  | "deployment"
  | "key"
  | "token"
  | "execution"
  | "worker"
  | "event"
  | "waitpoint"
  | "user"
  | "session"
  | "build";

const pool = new Uint8Array(4096);
let used = pool.length;

function random(bytes: number): Uint8Array {
  if (used + bytes > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += bytes;
  return pool.subarray(used - bytes, used);
}

let lastMs = 0;
let sequence = 0;

/** A new UUID version 7: milliseconds, a 12-bit counter within the millisecond, 62 random bits. */
export function newUuid(nowMs: number = Date.now()): string {
  if (nowMs > lastMs) {
    lastMs = nowMs;
    sequence = 0;
  } else if (++sequence > 0xfff) {
    lastMs += 1;
    sequence = 0;
  }
  const time = lastMs.toString(16).padStart(12, "0");
  const tail = random(8);
  const high = (((tail[0] as number) & 0x3f) | 0x80).toString(16).padStart(2, "0");
  let rest = "";
  for (let i = 1; i < 8; i++) rest += (tail[i] as number).toString(16).padStart(2, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, "0")}-${high}${rest.slice(0, 2)}-${rest.slice(2)}`;
}

/** `run` + a UUID → `run_…`. */
export function encodeId(prefix: IdPrefix, uuid: string): string {
  let bits = BigInt(`0x${uuid.replaceAll("-", "")}`);
  let text = "";
  for (let i = 0; i < 26; i++) {
    text = ALPHABET[Number(bits & 31n)] + text;
    bits >>= 5n;
  }
  return `${prefix}_${text}`;
}

/** The UUID of an id, or undefined where it is not one of that prefix. */
export function decodeId(prefix: IdPrefix, id: string): string | undefined {
  if (id.length !== prefix.length + 27 || !id.startsWith(`${prefix}_`)) return undefined;
  let bits = 0n;
  for (const character of id.slice(prefix.length + 1)) {
    const value = VALUES.get(character);
    if (value === undefined) return undefined;
    bits = (bits << 5n) | BigInt(value);
  }
  if (bits >> 128n !== 0n) return undefined;
  const hex = bits.toString(16).padStart(32, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** No UUID of version 7 that was made then, or later, is smaller. */
export function firstUuidAt(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** The UUIDs of ids that begin like this, the first and the last; undefined where no id can. */
export function uuidRange(prefix: IdPrefix, start: string): { first: string; last: string } | undefined {
  const length = prefix.length + 27;
  if (start.length > length || !start.startsWith(`${prefix}_`)) return undefined;
  const [first, last] = ["0", "z"].map((filler) => decodeId(prefix, start.padEnd(length, filler)));
  // 26 characters hold 130 bits: what follows a full prefix of 128 is none.
  return first === undefined ? undefined : { first, last: last ?? "ffffffff-ffff-ffff-ffff-ffffffffffff" };
}

/** When a UUID of version 7 was made; milliseconds since the epoch. */
export function uuidTime(uuid: string): number {
  return Number.parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
}

/** A secret of 24 characters of [0-9A-Za-z]: 142 bits. */
export function newSecret(length = 24): string {
  const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length)) if (byte < 248 && text.length < length) text += letters[byte % 62];
  }
  return text;
}
