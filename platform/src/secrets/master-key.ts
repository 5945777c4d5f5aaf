import { hkdfSync } from "node:crypto";

const SALT = "gantry";

/**
 * The installation's one secret, from which every other key is derived: each purpose has its own, and none tells of another.
 * While it is being rotated it knows those before it: what they sealed or signed is still read, nothing new is made by them.
 */
export class MasterKey {
  readonly #bytes: Buffer;
  readonly #previous: MasterKey[];

  /** Each is 32 bytes in base64. Errors: another length. */
  constructor(base64: string, previous: readonly string[] = []) {
    this.#bytes = Buffer.from(base64, "base64");
    if (this.#bytes.length !== 32)
      throw new Error("The encryption key must be 32 bytes in base64: openssl rand -base64 32");
    this.#previous = previous.map((each) => new MasterKey(each));
  }

  /** This key, then those before it. */
  get all(): MasterKey[] {
    return [this, ...this.#previous];
  }

  /** 32 bytes for one purpose. */
  derive(purpose: string): Buffer {
    return Buffer.from(hkdfSync("sha256", this.#bytes, SALT, purpose, 32));
  }

  /** Of this key and of those before it: the first makes, all are tried to read. */
  deriveAll(purpose: string): [Buffer, ...Buffer[]] {
    return [this.derive(purpose), ...this.#previous.map((key) => key.derive(purpose))];
  }

  /** Tells two keys apart without telling anything about either: kept in the database to refuse a wrong one. */
  get fingerprint(): string {
    return this.derive("fingerprint").subarray(0, 8).toString("hex");
  }
}
