import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { zstdCompressSync } from "node:zlib";
import { CHECKPOINT_CHUNK_BYTES } from "@gantry/sdk/contract";
import { pack } from "tar-stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CHUNK_PLAIN_BYTES, sealChunk } from "../checkpoint/chunk-cipher.ts";
import { CheckpointChanged, FetchedChunks } from "./unpack.ts";

const never = new AbortController().signal;
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-unpack-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const content = randomBytes(5_000_000);
const KEY = { checkpointId: "checkpoint_1", key: Buffer.alloc(32, 9).toString("base64") };

/** A file of 5 MB that does not compress, as it is stored: three chunks. */
async function stored() {
  const tar = pack();
  tar.entry({ name: `${dir}/memory` }, content);
  tar.finalize();
  const bytes = zstdCompressSync(Buffer.concat(await Readable.from(tar as unknown as AsyncIterable<Buffer>).toArray()));
  const chunks: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += CHUNK_PLAIN_BYTES)
    chunks.push(sealChunk(KEY, chunks.length, bytes.subarray(from, from + CHUNK_PLAIN_BYTES)));
  return { chunks, grant: grantFor(chunks) };
}

function grantFor(chunks: Buffer[]) {
  const all = Buffer.concat(chunks);
  const sha256 = createHash("sha256").update(all).digest("hex");
  return { ...KEY, chunks: chunks.length, storedBytes: all.length, sha256 };
}

async function unpacked(grant: Awaited<ReturnType<typeof stored>>["grant"], chunks: Buffer[]): Promise<void> {
  const fetched = await FetchedChunks.fetch(grant, async (number) => chunks[number] as Buffer, dir, never);
  try {
    await fetched.unpack([dir], never);
  } finally {
    await fetched.close();
  }
}

test("what was stored comes back, and nothing else is left on the disk", async () => {
  const { chunks, grant } = await stored();
  expect(chunks.map(({ length }) => length === CHECKPOINT_CHUNK_BYTES)).toEqual([true, true, false]);
  await unpacked(grant, chunks);
  expect(await readdir(dir)).toEqual(["memory"]);
  expect((await readFile(join(dir, "memory"))).equals(content)).toBe(true);
});

const places: Record<string, (chunk: Buffer) => number> = {
  "the first byte": () => 0,
  "a byte in the middle": ({ length }) => length >> 1,
  "the last byte of the data": ({ length }) => length - 17,
  "the first byte of the tag": ({ length }) => length - 16,
  "the last byte of the tag": ({ length }) => length - 1,
};
const changes = [0, 1, 2].flatMap((number) =>
  Object.entries(places).map(([place, at]) => [place, number, at] as const),
);

test.each(changes)("%s of chunk %d changed: refused before anything is unpacked", async (_place, number, at) => {
  const { chunks, grant } = await stored();
  const chunk = chunks[number] as Buffer;
  const place = at(chunk);
  chunk[place] = (chunk[place] ?? 0) ^ 1;
  await expect(unpacked(grant, chunks)).rejects.toThrow(CheckpointChanged);
  expect(await readdir(dir)).toEqual([]);
  // Also where the digest was made to fit: the chunk does not open.
  await expect(unpacked(grantFor(chunks), chunks)).rejects.toThrow(`chunk ${number} of the checkpoint is not what`);
});

const wrong: Record<string, (chunks: Buffer[]) => Buffer[]> = {
  "two chunks exchanged": ([a, b, c]) => [b, a, c] as Buffer[],
  "a chunk that is cut off": ([a, b, c]) => [a, b?.subarray(0, -1), c] as Buffer[],
  "a last chunk that is cut off": ([a, b, c]) => [a, b, c?.subarray(0, -1)] as Buffer[],
  "a last chunk that is longer": ([a, b, c]) => [a, b, Buffer.concat([c as Buffer, Buffer.alloc(1)])] as Buffer[],
};
test.each(Object.entries(wrong))("%s: refused", async (_sentence, change) => {
  const { chunks, grant } = await stored();
  await expect(unpacked(grant, change(chunks))).rejects.toThrow(CheckpointChanged);
  expect(await readdir(dir)).toEqual([]);
});

test("the wrong key opens nothing", async () => {
  const { chunks, grant } = await stored();
  const other = { ...grant, key: Buffer.alloc(32, 8).toString("base64") };
  await expect(unpacked(other, chunks)).rejects.toThrow("is not what was stored");
});
