import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MasterKey } from "./master-key.ts";
import { SecretBox } from "./secret-box.ts";

const master = new MasterKey(Buffer.alloc(32, 1).toString("base64"));
const other = new MasterKey(Buffer.alloc(32, 2).toString("base64"));

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
