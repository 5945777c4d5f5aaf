import { hkdfSync } from "node:crypto";

const SALT = "gantry";

/** The installation's one secret, from which every other key is derived: each purpose has its own, and none tells of another. */
export class MasterKey {
  readonly #bytes: Buffer;

  /** `base64` is 32 bytes. Errors: another length. */
  constructor(base64: string) {
    this.#bytes = Buffer.from(base64, "base64");
    if (this.#bytes.length !== 32)
      throw new Error("The encryption key must be 32 bytes in base64: openssl rand -base64 32");
  }

  /** 32 bytes for one purpose. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#bytes, SALT, purpose, 32));
  }

  /** Tells two keys apart without telling anything about either: kept in the database to refuse a wrong one. */
  get fingerprint(): string {
    return this.derive("fingerprint").subarray(0, 8).toString("hex");
  }
}
