import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { encryptionKeyFile } from "./encryption-key-file.ts";

test("a data folder's key is made once, for its owner's eyes only", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-key-"));
  try {
    const keys = await Promise.all([encryptionKeyFile(join(folder, "data")), encryptionKeyFile(join(folder, "data"))]);
    const later = await encryptionKeyFile(join(folder, "data"));
    expect(Buffer.from(later, "base64")).toHaveLength(32);
    expect(keys).toEqual([later, later]);
    if (process.platform !== "win32")
      expect((await stat(join(folder, "data", "encryption-key"))).mode & 0o777).toBe(0o600);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
