import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { MasterKey } from "./master-key.ts";

/** Form 1 does not say by which key it was sealed. */
const UNNAMED = 1;
const NAMED = 2;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts what is kept at rest: AES-256-GCM, a fresh nonce each time. The context (which row, which column) is authenticated:
 * a ciphertext that is moved to another row does not open. It names its key, so that the master key can be rotated: what a
 * previous key sealed still opens, and what is sealed now is sealed by the new one.
 *
 * Form: 2 (1 byte), the master key's fingerprint (8), nonce (12), tag (16), ciphertext; form 1 lacks the fingerprint.
 */
export class SecretBox {
  readonly #keys: Map<string, Buffer>;
  readonly #head: Buffer;

  constructor(master: MasterKey) {
    this.#keys = new Map(master.all.map((key) => [key.fingerprint, key.derive("secrets-at-rest")]));
    this.#head = Buffer.concat([Buffer.of(NAMED), Buffer.from(master.fingerprint, "hex")]);
  }

  /** What everything that is sealed now begins with: a row that does not is to be sealed again after a rotation. */
  get head(): Buffer {
    return Buffer.from(this.#head);
  }

  seal(text: string, context: string): Buffer<ArrayBuffer> {
    const nonce = randomBytes(NONCE_BYTES);
    const [key] = this.#keys.values();
    const cipher = createCipheriv("aes-256-gcm", key as Buffer, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([this.#head, nonce, cipher.getAuthTag(), sealed]);
  }

  /** Errors: another key, another context, or a byte that was changed. */
  open(sealed: Uint8Array, context: string): string {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes[0] === NAMED) {
      const id = bytes.subarray(1, 1 + KEY_ID_BYTES).toString("hex");
      const key = this.#keys.get(id);
      if (key === undefined)
        throw new Error(`A secret was sealed with the key ${id}, which this platform was not given.`);
      return unseal(key, bytes.subarray(1 + KEY_ID_BYTES), context);
    }
    if (bytes[0] === UNNAMED) return this.#openUnnamed(bytes.subarray(1), context);
    throw new Error(`A secret is in form ${bytes[0]}, which this release does not know.`);
  }

  #openUnnamed(body: Buffer, context: string): string {
    let failure: unknown;
    for (const key of this.#keys.values()) {
      try {
        return unseal(key, body, context);
      } catch (error) {
        failure = error;
      }
    }
    throw failure;
  }
}

function unseal(key: Buffer, body: Buffer, context: string): string {
  const decipher = createDecipheriv("aes-256-gcm", key, body.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
    .setAAD(Buffer.from(context))
    .setAuthTag(body.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  return decipher.update(body.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
}
