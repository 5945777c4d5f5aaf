import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import type { MasterKey } from "./master-key.ts";

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Encrypts what is kept at rest: AES-256-GCM, a fresh nonce each time. The context (which row, which column) is authenticated:
 * a ciphertext that is moved to another row does not open.
 *
 * Form: version (1 byte), nonce (12), tag (16), ciphertext.
 */
export class SecretBox {
  readonly #key: Buffer;

  constructor(master: MasterKey) {
    this.#key = master.derive("secrets-at-rest");
  }

  seal(text: string, context: string): Buffer<ArrayBuffer> {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", this.#key, nonce).setAAD(Buffer.from(context));
    const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
    return Buffer.concat([Buffer.of(VERSION), nonce, cipher.getAuthTag(), sealed]);
  }

  /** Errors: another key, another context, or a byte that was changed. */
  open(sealed: Uint8Array, context: string): string {
    if (sealed[0] !== VERSION) throw new Error(`A secret is in form ${sealed[0]}, which this release does not know.`);
    const body = Buffer.from(sealed.buffer, sealed.byteOffset + 1, sealed.byteLength - 1);
    const decipher = createDecipheriv("aes-256-gcm", this.#key, body.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
      .setAAD(Buffer.from(context))
      .setAuthTag(body.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    return decipher.update(body.subarray(NONCE_BYTES + TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  }
}
