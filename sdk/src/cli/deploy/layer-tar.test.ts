import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type LayerEntry, packLayer } from "./layer-tar.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "gantry-layer-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const entry = (path: string, contents: Uint8Array | string, isExecutable = false): LayerEntry => ({
  path,
  isExecutable,
  read: () => Buffer.from(contents),
});
const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

test("a layer's digests are of its bytes and of the tar inside, and standard tools read it", async () => {
  const noise = randomBytes(300_000);
  const long = `app/bundle/${"deep/".repeat(40)}file.mjs`;
  const file = join(dir, "layer.tar.gz");
  const packed = await packLayer(
    [entry(long, "long"), entry("app/bundle/b.bin", noise), entry("app/run", "#!", true)],
    file,
  );
  const bytes = readFileSync(file);
  expect(packed).toEqual({
    digest: sha256(bytes),
    diffId: sha256(gunzipSync(bytes)),
    bytes: bytes.byteLength,
    entries: 3,
  });
  const listing = execFileSync("tar", ["--numeric-owner", "--utc", "-tvzf", file], { encoding: "utf8" });
  expect(listing).toMatch(/^drwxr-xr-x 1000\/1000 +0 1970-01-01 00:00 app\/\n/);
  expect(listing).toMatch(/-rw-r--r-- 1000\/1000 +300000 1970-01-01 00:00 app\/bundle\/b\.bin/);
  expect(listing).toMatch(/-rwxr-xr-x 1000\/1000 +2 1970-01-01 00:00 app\/run/);
  expect(listing).toContain(long);
});

test("the same files in another order give the same bytes, known in advance", async () => {
  const entries = [
    entry("app/bundle/entry.mjs", "export {};\n"),
    entry("app/bundle/chunks/a.mjs", "1;\n".repeat(90_000)),
  ];
  const first = await packLayer(entries, join(dir, "1"));
  expect(await packLayer(entries.toReversed(), join(dir, "2"))).toEqual(first);
  // Pinned: a change of library or option that changes digests makes every user upload every layer again.
  expect(first.diffId).toBe("sha256:05bc1a90f5af0b7a4c55e2fb5869c14c6e024814e64f1ec36f31771c8b2ab040");
  expect(first.digest).toBe("sha256:2123bcb9113bff0179ec9cc224a4eada837c62a13d18cd32ffcad481ee95949b");
});

test("a file that cannot be read leaves no layer behind", async () => {
  const broken = { path: "a", isExecutable: false, read: () => Promise.reject(new Error("gone")) };
  await expect(packLayer([broken], join(dir, "layer"))).rejects.toThrow("gone");
  expect(() => readFileSync(join(dir, "layer"))).toThrow(/ENOENT/);
});
