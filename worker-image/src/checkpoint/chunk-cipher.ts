import { createCipheriv, createDecipheriv } from "node:crypto";
import { CHECKPOINT_CHUNK_BYTES } from "@gantry/sdk/contract";

const ALGORITHM = "aes-256-gcm";
const TAG_BYTES = 16;
const NONCE_BYTES = 12;

/** Plain bytes of every chunk but the last. */
export const CHUNK_PLAIN_BYTES = CHECKPOINT_CHUNK_BYTES - TAG_BYTES;

/** A checkpoint's key is made for it alone, so a chunk's number is a nonce that nothing else has had. */
export interface ChunkKey {
  checkpointId: string;
  /** AES-256's, base64. */
  key: string;
}

/** Encrypted, with its tag behind. Which checkpoint's chunk it is, and which of them, is sealed with it. */
export function sealChunk(chunkKey: ChunkKey, number: number, plain: Uint8Array): Buffer {
  const cipher = createCipheriv(ALGORITHM, Buffer.from(chunkKey.key, "base64"), nonceOf(number));
  cipher.setAAD(nameOf(chunkKey, number));
  return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Errors: the chunk is not as it was sealed, or is another one. */
export function openChunk(chunkKey: ChunkKey, number: number, sealed: Uint8Array): Buffer {
  if (sealed.length < TAG_BYTES) throw new Error(`chunk ${number} of the checkpoint is cut off`);
  const decipher = createDecipheriv(ALGORITHM, Buffer.from(chunkKey.key, "base64"), nonceOf(number));
  decipher.setAAD(nameOf(chunkKey, number));
  const end = sealed.length - TAG_BYTES;
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    return Buffer.concat([plain, decipher.final()]);
  } catch {
    throw new Error(`chunk ${number} of the checkpoint is not what was stored`);
  }
}

function nonceOf(number: number): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeUInt32BE(number, NONCE_BYTES - 4);
  return nonce;
}

function nameOf({ checkpointId }: ChunkKey, number: number): Buffer {
  return Buffer.from(`${checkpointId}/${number}`);
}
