import { createHash, randomBytes } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { createZstdDecompress } from "node:zlib";
import { CHECKPOINT_CHUNK_BYTES, type RestoreGrant } from "@gantry/sdk/contract";
import { openChunk } from "../checkpoint/chunk-cipher.ts";
import { writeCarried } from "./carried-files.ts";
import { type GetChunk, inOrder } from "./chunk-fetch.ts";

const DECOMPRESSED_BYTES = 256 * 1024;

/** What is fetched is not what was stored, or not what the platform said of it. */
export class CheckpointChanged extends Error {
  override name = "CheckpointChanged";
}

type Stored = Pick<RestoreGrant, "checkpointId" | "chunks" | "storedBytes" | "sha256" | "key">;

/** A checkpoint's chunks on this disk, all there and as they were stored. */
export class FetchedChunks {
  readonly #stored: Stored;
  readonly #file: FileHandle;

  private constructor(stored: Stored, file: FileHandle) {
    this.#stored = stored;
    this.#file = file;
  }

  /**
   * Fetches them into a file of `dir` that has no name, and compares their digest: nothing is unpacked before.
   *
   * Errors: CheckpointChanged; those of `get`; the signal's reason; the disk's.
   */
  static async fetch(stored: Stored, get: GetChunk, dir: string, signal: AbortSignal): Promise<FetchedChunks> {
    const path = join(dir, `fetch-${randomBytes(8).toString("hex")}`);
    const file = await open(path, "wx+", 0o600);
    await rm(path);
    try {
      await fetchInto(file, stored, get, signal);
      return new FetchedChunks(stored, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Decrypts, decompresses, and writes the files back: see writeCarried.
   *
   * Errors: also where a chunk does not open with the checkpoint's key.
   */
  async unpack(folders: readonly string[], signal: AbortSignal): Promise<void> {
    const plain = Readable.from(this.#plain());
    const tar = createZstdDecompress({ chunkSize: DECOMPRESSED_BYTES });
    plain.on("error", (error) => tar.destroy(error));
    tar.on("close", () => plain.destroy());
    await writeCarried(plain.pipe(tar), folders, signal);
  }

  async *#plain(): AsyncGenerator<Buffer, void> {
    for (let number = 0; number < this.#stored.chunks; number++) {
      const sealed = Buffer.allocUnsafe(CHECKPOINT_CHUNK_BYTES);
      const { bytesRead } = await this.#file.read(sealed, 0, sealed.length, number * CHECKPOINT_CHUNK_BYTES);
      yield openChunk(this.#stored, number, sealed.subarray(0, bytesRead));
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

async function fetchInto(file: FileHandle, stored: Stored, get: GetChunk, signal: AbortSignal): Promise<void> {
  const { chunks, storedBytes, sha256 } = stored;
  const digest = createHash("sha256");
  let bytes = 0;
  let number = 0;
  for await (const chunk of inOrder(chunks, get, signal)) {
    number += 1;
    // The last one is what is left.
    if (chunk.length !== CHECKPOINT_CHUNK_BYTES && number < chunks)
      throw new CheckpointChanged(`chunk ${number - 1} of the checkpoint has ${chunk.length} bytes`);
    digest.update(chunk);
    bytes += chunk.length;
    await writeAll(file, chunk);
  }
  if (bytes !== storedBytes) throw new CheckpointChanged(`the checkpoint has ${bytes} bytes, not ${storedBytes}`);
  if (digest.digest("hex") !== sha256) throw new CheckpointChanged("the checkpoint is not what was stored: its digest");
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let from = 0; from < bytes.length; ) from += (await file.write(bytes, from)).bytesWritten;
}
