import { randomBytes, randomUUID } from "node:crypto";
import { link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

const FILE = "encryption-key";

/** The master key of a data folder in base64: made the first time, readable by its owner only. */
export async function encryptionKeyFile(dataDir: string): Promise<string> {
  const path = join(dataDir, FILE);
  const known = await readFile(path, "utf8").catch(() => undefined);
  if (known !== undefined) return known.trim();
  await mkdir(dataDir, { recursive: true });
  // Linked when complete: of two that start at once one wins, and the other reads a whole key.
  const partial = `${path}.${randomUUID()}`;
  await writeFile(partial, randomBytes(32).toString("base64"), { mode: 0o600 });
  await link(partial, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw error;
  });
  await rm(partial);
  return (await readFile(path, "utf8")).trim();
}
