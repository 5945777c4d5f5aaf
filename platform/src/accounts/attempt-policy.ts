import type { AttemptLimit } from "./attempts.ts";

const WINDOW_MS = 15 * 60_000;

/** Who guesses one account's password from one place is slowed first; a whole address, and an account from everywhere, later. */
export function loginLimits(account: string, address: string | undefined): AttemptLimit[] {
  const place = addressBlock(address);
  return [
    { key: accountKey(account, address), attempts: 10, windowMs: WINDOW_MS },
    { key: `address ${place}`, attempts: 60, windowMs: WINDOW_MS },
    { key: `account ${account}`, attempts: 200, windowMs: WINDOW_MS },
  ];
}

/** Links and the setup secret are too long to be guessed; an address that tries all the same is stopped. */
export function secretLimits(address: string | undefined): AttemptLimit[] {
  return [{ key: `secret ${addressBlock(address)}`, attempts: 20, windowMs: WINDOW_MS }];
}

/** What a success wipes out: the account's tries from this place. */
export function accountKey(account: string, address: string | undefined): string {
  return `account ${account} address ${addressBlock(address)}`;
}

/** An IPv6 customer has a /64: its addresses are one place. */
export function addressBlock(address: string | undefined): string {
  if (address === undefined) return "unknown";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(":")) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  return [...groups, ...Array<string>(missing).fill("0"), ...after].slice(0, 4).join(":");
}
