import { randomInt } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The 24 characters of the project's dev key: made once, kept in the data folder, so that an app's .env stays right. */
export function devKeySecret(dataDir: string): string {
  const file = join(dataDir, "dev-key");
  const known = read(file);
  if (/^[0-9A-Za-z]{24}$/.test(known)) return known;
  const secret = Array.from({ length: 24 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${secret}\n`, { mode: 0o600 });
  return secret;
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    return "";
  }
}
