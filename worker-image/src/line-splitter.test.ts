import fc from "fast-check";
import { expect, test } from "vitest";
import { LineSplitter } from "./line-splitter.ts";

test("lines come out whole, however the bytes were cut", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ unit: "grapheme" }).filter((line) => !/[\r\n]/.test(line))),
      fc.array(fc.nat(20)),
      (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const splitter = new LineSplitter();
        const got: string[] = [];
        let from = 0;
        for (const cut of cuts) {
          got.push(...splitter.push(bytes.subarray(from, from + cut)));
          from = Math.min(bytes.length, from + cut);
        }
        got.push(...splitter.push(bytes.subarray(from)), ...splitter.end());
        expect(got).toEqual(lines);
      },
    ),
  );
});

test("a last line without an end, and one of Windows', are lines too", () => {
  const splitter = new LineSplitter();
  expect(splitter.push(Buffer.from("one\r\ntwo"))).toEqual(["one"]);
  expect(splitter.end()).toEqual(["two"]);
  expect(splitter.end()).toEqual([]);
});

test("a line that is too long is cut between characters, and says how long it was", () => {
  const splitter = new LineSplitter();
  const half = Buffer.from("é".repeat(50_000));
  splitter.push(half.subarray(0, 65_535));
  splitter.push(half.subarray(65_535));
  const [line = ""] = splitter.push(Buffer.from("\nnext"));
  expect(line).toMatch(/^é+… \(cut: 100000 bytes, the limit is 65536\)$/);
  expect(splitter.end()).toEqual(["next"]);
});
