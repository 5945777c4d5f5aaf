import fc from "fast-check";
import { expect, test } from "vitest";
import { fingerprintOf } from "./fingerprint.ts";
import { encodeValue } from "./packet.ts";
import { triggerFingerprint } from "./trigger-body.ts";

test("different texts have different fingerprints, whatever they are and however they are cut", () => {
  const parts = fc.array(fc.option(fc.string({ unit: "binary", maxLength: 20 }), { nil: undefined }), { maxLength: 4 });
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      const isSame = JSON.stringify(a.map((part) => part ?? null)) === JSON.stringify(b.map((part) => part ?? null));
      return (fingerprintOf(...a) === fingerprintOf(...b)) === isSame;
    }),
  );
});

test("a hundred thousand neighbours do not meet, nor their halves", () => {
  const all = Array.from({ length: 100_000 }, (_, n) => fingerprintOf(`{"json":{"n":${n}}}`));
  expect(all[0]).toMatch(/^[0-9a-f]{32}$/);
  for (const cut of [
    [0, 32],
    [0, 16],
    [16, 32],
  ] as const) {
    expect(new Set(all.map((hash) => hash.slice(...cut))).size).toBe(all.length);
  }
});

test("it stays what it is: journals outlive a version of the SDK", () => {
  expect(fingerprintOf("a", undefined, "ü")).toMatchInlineSnapshot(`"5878e87f6cbf187ebeeaf18124cf49f3"`);
});

const OPTIONS: Record<string, { options: object | undefined; wantSame: boolean }> = {
  "no options are empty options": { options: {}, wantSame: true },
  "an option that is undefined": { options: { queue: undefined }, wantSame: true },
  "tags and metadata only label a run": {
    options: { tags: ["a"], metadata: { b: 1 }, ttl: "1h", priority: 3 },
    wantSame: true,
  },
  "another queue": { options: { queue: "slow" }, wantSame: false },
  "an idempotency key": { options: { idempotencyKey: "k" }, wantSame: false },
  "a delay": { options: { delay: new Date(0) }, wantSame: false },
};
test.each(Object.entries(OPTIONS))("of a trigger: %s", (_title, { options, wantSame }) => {
  const payload = encodeValue({ a: 1 });
  expect(triggerFingerprint("t", payload, options) === triggerFingerprint("t", payload)).toBe(wantSame);
});

test("of a trigger: the order of options says nothing; task and payload do", () => {
  const payload = encodeValue({ a: 1 });
  const one = triggerFingerprint("t", payload, { queue: "q", delay: "1h" });
  expect(triggerFingerprint("t", payload, { delay: "1h", queue: "q" })).toBe(one);
  expect(triggerFingerprint("u", payload, { queue: "q", delay: "1h" })).not.toBe(one);
  expect(triggerFingerprint("t", encodeValue({ a: 2 }), { queue: "q", delay: "1h" })).not.toBe(one);
});
