import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeValue } from "../client/packet.ts";
import { DEFAULT_LIMITS } from "../contract/index.ts";
import { encodeOutput } from "./encode-output.ts";

function roundTrip(value: unknown): unknown {
  const { data, dataType } = encodeOutput(value);
  return decodeValue(data, dataType);
}

class Invoice {
  #secret = 1;
  readonly createdAt = new Date(0);
  readonly lines = new Map([["a", 1n]]);
  secret() {
    return this.#secret;
  }
}
class Empty {
  #hidden = 1;
  hidden() {
    return this.#hidden;
  }
}

const kept: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  "a text": "hello",
  "an empty text": "",
  "a NUL character": "a\0b",
  "a NUL character in a member": { "\0": "\0" },
  "dates, maps, sets, bigints, undefined and NaN": {
    date: new Date(1),
    map: new Map<unknown, unknown>([[{ a: 1 }, new Set([1n])]]),
    none: undefined,
    nan: Number.NaN,
    url: new URL("http://localhost/"),
    bytes: new Uint8Array([1, 2]),
  },
};

const lost: Record<string, { output: unknown; wantMessage: string }> = {
  "a function": { output: { a: [{ save() {} }] }, wantMessage: "output.a[0].save is the function save" },
  "a symbol": { output: { a: Symbol("x") }, wantMessage: "output.a is Symbol(x)" },
  "a promise that was not awaited": {
    output: { user: Promise.resolve(1) },
    wantMessage: "output.user is a Promise (is an await missing?)",
  },
  "an instance whose state is private": { output: [new Empty()], wantMessage: "output[0] is a Empty without members" },
  "an invalid date": {
    output: { "paid at": new Date(Number.NaN) },
    wantMessage: 'output["paid at"] is an invalid Date',
  },
  "a getter that throws": {
    output: {
      get broken() {
        throw new Error("no");
      },
    },
    wantMessage: "output.broken is a getter that throws (no)",
  },
  "a value in a map": { output: new Map([["k", () => 1]]), wantMessage: 'output<"k"> is a function' },
  "an ArrayBuffer": { output: new ArrayBuffer(2), wantMessage: "output is a ArrayBuffer" },
  "an infinity in a typed array": {
    output: { scores: new Float32Array([1, Infinity]) },
    wantMessage: "output.scores is a Float32Array with NaN or Infinity",
  },
  "a bigint array": { output: new BigInt64Array(1), wantMessage: "output is a BigInt64Array" },
  "a member named __proto__": { output: JSON.parse('{"__proto__": 1}'), wantMessage: "__proto__" },
};

describe("an output", () => {
  for (const [title, value] of Object.entries(kept)) {
    it(`survives: ${title}`, () => expect(roundTrip(value)).toEqual(value));
  }

  for (const [title, { output, wantMessage }] of Object.entries(lost)) {
    it(`is refused, with the path, for ${title}`, () => {
      expect(() => encodeOutput(output)).toThrow(
        expect.objectContaining({ code: "NOT_SERIALIZABLE", message: expect.stringContaining(wantMessage) }),
      );
    });
  }

  it("keeps cycles and shared references", () => {
    const shared = { n: 1 };
    const output: Record<string, unknown> = { a: shared, b: shared };
    output.self = output;
    const back = roundTrip(output) as typeof output;
    expect(back.self).toBe(back);
    expect(back.a).toBe(back.b);
  });

  it("becomes a plain object of the same members where it is an instance of a class", () => {
    expect(roundTrip({ invoice: new Invoice() })).toEqual({
      invoice: { createdAt: new Date(0), lines: new Map([["a", 1n]]) },
    });
  });

  it("travels as its own toJSON says", () => {
    expect(roundTrip({ price: { toJSON: () => "1.20" } })).toEqual({ price: "1.20" });
  });

  it("turns a Buffer into a Uint8Array, cycles around it included", () => {
    const output: Record<string, unknown> = { file: Buffer.from("hi") };
    output.self = output;
    const back = roundTrip(output) as typeof output;
    expect(back.file).toEqual(new Uint8Array([104, 105]));
    expect(back.self).toBe(back);
  });

  it("over the limit is refused with the limit's name", () => {
    expect(() => encodeOutput("x".repeat(DEFAULT_LIMITS.outputBytes + 1))).toThrow(
      expect.objectContaining({ code: "OUTPUT_TOO_LARGE", message: expect.stringContaining("outputBytes") }),
    );
    expect(encodeOutput("x".repeat(DEFAULT_LIMITS.outputBytes)).data).toHaveLength(DEFAULT_LIMITS.outputBytes);
  });

  it("nested too deeply is refused and not a crash", () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 50_000; depth++) deep = [deep];
    expect(() => encodeOutput(deep)).toThrow(expect.objectContaining({ code: "NOT_SERIALIZABLE" }));
  });

  it("either comes back equal or is refused, whatever it is", () => {
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      // A typed array's -0 comes back as 0.
      withTypedArray: false,
      withNullPrototype: false,
      withSparseArray: false,
      withBoxedValues: false,
    });
    fc.assert(
      fc.property(anything, (value) => {
        let back: unknown;
        try {
          back = roundTrip(value);
        } catch (error) {
          expect(error).toMatchObject({ code: "NOT_SERIALIZABLE" });
          return;
        }
        expect(back).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });
});
