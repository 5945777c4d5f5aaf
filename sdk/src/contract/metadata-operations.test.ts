import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyMetadataOperations, type Metadata, MetadataKeyError, readMetadata } from "./metadata-operations.ts";
import type { MetadataOperation } from "./worker-protocol.ts";

const cases: Record<string, { from?: Metadata; operations: MetadataOperation[]; want: Metadata }> = {
  "sets a member": { operations: [{ type: "set", key: "a", value: 1 }], want: { a: 1 } },
  "makes the objects a path leads through": {
    operations: [{ type: "set", key: "$.a.b.c", value: 1 }],
    want: { a: { b: { c: 1 } } },
  },
  "takes a key without $ literally": { operations: [{ type: "set", key: "a.b", value: 1 }], want: { "a.b": 1 } },
  "takes an escaped dot in a path literally": {
    operations: [{ type: "set", key: "$.a\\.b", value: 1 }],
    want: { "a.b": 1 },
  },
  "reaches into arrays": {
    from: { a: [{ n: 1 }] },
    operations: [{ type: "increment", key: "$.a[0].n", value: 2 }],
    want: { a: [{ n: 3 }] },
  },
  "deletes a member, and a path's": {
    from: { a: 1, b: { c: 2, d: 3 } },
    operations: [
      { type: "delete", key: "a" },
      { type: "delete", key: "$.b.c" },
    ],
    want: { b: { d: 3 } },
  },
  "begins a list": { operations: [{ type: "append", key: "l", value: "x" }], want: { l: ["x"] } },
  "makes a list of what was none": {
    from: { l: 1 },
    operations: [{ type: "append", key: "l", value: 2 }],
    want: { l: [1, 2] },
  },
  "removes equal items from a list, whatever the order of their members": {
    from: { l: [{ a: 1, b: 2 }, 3] },
    operations: [{ type: "remove", key: "l", value: { b: 2, a: 1 } }],
    want: { l: [3] },
  },
  "leaves alone what is no list": {
    from: { l: 1 },
    operations: [{ type: "remove", key: "l", value: 1 }],
    want: { l: 1 },
  },
  "counts from zero": { operations: [{ type: "increment", key: "n", value: -2 }], want: { n: -2 } },
  "replaces everything": { from: { a: 1 }, operations: [{ type: "update", value: { b: 2 } }], want: { b: 2 } },
};

describe("metadata operations", () => {
  for (const [title, { from = {}, operations, want }] of Object.entries(cases)) {
    it(title, () => {
      expect(applyMetadataOperations(from, operations)).toEqual(want);
    });
  }

  it("refuse keys that reach an object's prototype", () => {
    for (const key of ["__proto__", "$.a.constructor.prototype.x", "$.__proto__.x", "$.__prot\\o__"]) {
      expect(() => applyMetadataOperations({}, [{ type: "set", key, value: 1 }])).toThrow(MetadataKeyError);
    }
    expect(({} as { x?: unknown }).x).toBeUndefined();
  });

  it("refuse a path that names nothing", () => {
    expect(() => applyMetadataOperations({}, [{ type: "set", key: "$.", value: 1 }])).toThrow("names nothing");
  });

  it("read back what was set, at any key", () => {
    const key = fc.string({ minLength: 1 }).filter((text) => !/^(__proto__|constructor|prototype)$|^\$\./.test(text));
    fc.assert(
      fc.property(key, fc.jsonValue({ maxDepth: 2 }), (name, value) => {
        expect(readMetadata(applyMetadataOperations({}, [{ type: "set", key: name, value }]), name)).toEqual(value);
      }),
    );
  });

  it("never change an object's prototype, whatever the key", () => {
    const part = fc.constantFrom("__proto__", "constructor", "prototype", "a", "\\", ".", "[", "]", "$");
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const metadata = {};
        try {
          applyMetadataOperations(metadata, [{ type: "set", key: `$.${parts.join("")}`, value: 1 }]);
        } catch (error) {
          expect(error).toBeInstanceOf(MetadataKeyError);
        }
        expect(Object.getPrototypeOf(metadata)).toBe(Object.prototype);
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
    );
  });
});
