import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MasterKey } from "./master-key.ts";
import { SecretBox } from "./secret-box.ts";

const base64 = (byte: number) => Buffer.alloc(32, byte).toString("base64");
const master = new MasterKey(base64(1));
const other = new MasterKey(base64(2));

describe("the secret box", () => {
  test("opens what it sealed, whatever it was", () => {
    const box = new SecretBox(master);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => box.open(box.seal(text, "row 1"), "row 1") === text),
    );
  });

  test("never seals the same text to the same bytes", () => {
    const box = new SecretBox(master);
    expect(box.seal("secret", "row").equals(box.seal("secret", "row"))).toBe(false);
  });

  test("names its key: what a previous key sealed opens while that is known, and new seals are by the new one", () => {
    const rotating = new SecretBox(new MasterKey(base64(2), [base64(1)]));
    const after = new SecretBox(other);
    const old = new SecretBox(master).seal("secret", "row");
    expect(rotating.open(old, "row")).toBe("secret");
    expect(() => after.open(old, "row")).toThrow(new RegExp(`key ${master.fingerprint}, which this platform was not`));
    const sealed = rotating.seal("secret", "row");
    expect(sealed.subarray(0, 9)).toEqual(rotating.head);
    expect(after.open(sealed, "row")).toBe("secret");
    expect(() => new SecretBox(master).open(sealed, "row")).toThrow();
  });

  test("opens form 1, which names no key, with whichever key it was sealed", () => {
    // As the first release sealed "secret" for "row" under the key of 32 ones.
    const nonce = Buffer.alloc(12, 7);
    const cipher = createCipheriv("aes-256-gcm", master.derive("secrets-at-rest"), nonce).setAAD(Buffer.from("row"));
    const text = Buffer.concat([cipher.update("secret"), cipher.final()]);
    const sealed = Buffer.concat([Buffer.of(1), nonce, cipher.getAuthTag(), text]);
    expect(new SecretBox(master).open(sealed, "row")).toBe("secret");
    expect(new SecretBox(new MasterKey(base64(2), [base64(3), base64(1)])).open(sealed, "row")).toBe("secret");
    expect(() => new SecretBox(other).open(sealed, "row")).toThrow();
    expect(() => new SecretBox(master).open(sealed, "another row")).toThrow();
  });

  test("opens with no other key, in no other row, and not after a change of any byte", () => {
    const box = new SecretBox(master);
    const sealed = box.seal("secret", "row 1");
    expect(() => new SecretBox(other).open(sealed, "row 1")).toThrow();
    expect(() => box.open(sealed, "row 2")).toThrow();
    for (let index = 0; index < sealed.length; index++) {
      const changed = Buffer.from(sealed);
      changed[index] = (changed[index] as number) ^ 1;
      expect(() => box.open(changed, "row 1")).toThrow();
    }
  });
});

describe("the master key", () => {
  test("is 32 bytes", () => {
    expect(() => new MasterKey("c2hvcnQ=")).toThrow(/32 bytes/);
  });

  test("derives another key for each purpose, and shows only a fingerprint", () => {
    expect(master.derive("a").equals(master.derive("b"))).toBe(false);
    expect(master.fingerprint).toMatch(/^[0-9a-f]{16}$/);
    expect(master.fingerprint).not.toBe(other.fingerprint);
    expect(JSON.stringify(master)).toBe("{}");
  });
});
