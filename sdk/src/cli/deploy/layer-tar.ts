import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path/posix";
import { Gzip } from "fflate";
import { pack as createPack, type Pack } from "tar-stream";
import { IMAGE_LAYOUT } from "../../contract/image-layout.ts";

/** A file of an image, as a layer brings it. */
export interface LayerEntry {
  /** From the image's root, without a slash before it: `app/bundle/entry.mjs`. */
  path: string;
  isExecutable: boolean;
  read(): Promise<Uint8Array> | Uint8Array;
}

export interface PackedLayer {
  /** `sha256:` and hexadecimal, of the compressed bytes. */
  digest: string;
  /** The same, of the tar inside. */
  diffId: string;
  bytes: number;
  /** Files in it, folders not counted. */
  entries: number;
}

const EPOCH = new Date(0);
/** Compressed output depends on how the input is cut, so it is cut the same everywhere. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Writes a layer to `file`, whole or not at all. The same entries give the same bytes on every machine: sorted, without
 * times, owners or modes of this one, and compressed by JavaScript, since zlib's output differs with its build.
 */
export async function packLayer(entries: LayerEntry[], file: string, signal?: AbortSignal): Promise<PackedLayer> {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const draft = `${file}.${process.pid}.draft`;
  const out = await open(draft, "w");
  const pack = createPack();
  try {
    // A failure to read an entry ends the archive, and with it the compression.
    fill(pack, sorted).catch((error: Error) => pack.destroy(error));
    const sizes = await compress(pack, out, signal).finally(() => out.close());
    await rename(draft, file);
    return { ...sizes, entries: sorted.length };
  } catch (error) {
    pack.destroy();
    await rm(draft, { force: true });
    throw error;
  }
}

async function fill(pack: Pack, entries: LayerEntry[]): Promise<void> {
  const owner = { uid: IMAGE_LAYOUT.user, gid: IMAGE_LAYOUT.user, uname: "", gname: "", mtime: EPOCH };
  for (const folder of foldersOf(entries)) {
    await add(pack, { ...owner, name: `${folder}/`, type: "directory", mode: 0o755 });
  }
  for (const entry of entries) {
    const contents = await entry.read();
    const mode = entry.isExecutable ? 0o755 : 0o644;
    await add(pack, { ...owner, name: entry.path, type: "file", mode, size: contents.byteLength }, contents);
  }
  pack.finalize();
}

function add(pack: Pack, header: Parameters<Pack["entry"]>[0], contents?: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = contents === undefined ? "" : Buffer.from(contents.buffer, contents.byteOffset, contents.byteLength);
    pack.entry(header, body as Buffer, (error) => (error ? reject(error) : resolve()));
  });
}

/** Every folder above an entry, once, parents first. */
function foldersOf(entries: LayerEntry[]): string[] {
  const folders = new Set<string>();
  for (const { path } of entries) {
    for (let folder = dirname(path); folder !== "." && !folders.has(folder); folder = dirname(folder)) {
      folders.add(folder);
    }
  }
  return [...folders].sort();
}

async function compress(pack: Pack, out: FileHandle, signal: AbortSignal | undefined) {
  const tarHash = createHash("sha256");
  const gzipHash = createHash("sha256");
  let bytes = 0;
  let made: Uint8Array[] = [];
  const gzip = new Gzip({ level: 6, mtime: 0 }, (chunk) => {
    gzipHash.update(chunk);
    bytes += chunk.byteLength;
    made.push(chunk);
  });
  const write = async () => {
    const ready = made;
    made = [];
    for (const chunk of ready) await out.writeFile(chunk);
  };
  for await (const chunk of evenChunks(pack)) {
    signal?.throwIfAborted();
    tarHash.update(chunk);
    gzip.push(chunk);
    await write();
  }
  gzip.push(new Uint8Array(0), true);
  await write();
  return { digest: `sha256:${gzipHash.digest("hex")}`, diffId: `sha256:${tarHash.digest("hex")}`, bytes };
}

async function* evenChunks(source: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    kept.push(chunk);
    keptBytes += chunk.byteLength;
    if (keptBytes < CHUNK_BYTES) continue;
    const all = kept.length === 1 ? chunk : Buffer.concat(kept);
    let at = 0;
    for (; keptBytes - at >= CHUNK_BYTES; at += CHUNK_BYTES) yield all.subarray(at, at + CHUNK_BYTES);
    kept = at < keptBytes ? [all.subarray(at)] : [];
    keptBytes -= at;
  }
  if (keptBytes > 0) yield Buffer.concat(kept);
}
