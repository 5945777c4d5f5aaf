import fc from "fast-check";
import { expect, test } from "vitest";
import { readLines } from "./ndjson.ts";

async function* chunksOf(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(text: string, chunkSize: number, limit = 1e6): Promise<string[]> {
  const lines: string[] = [];
  for await (const { bytes } of readLines(chunksOf(Buffer.from(text), chunkSize), limit)) lines.push(bytes.toString());
  return lines;
}

test("lines come out whole, however the stream is cut", async () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 40 }), fc.boolean(), async (lines, size, isClosed) => {
      expect(await linesOf(lines.join("\n") + (isClosed ? "\n" : ""), size)).toEqual(lines);
    }),
  );
});

test("blank lines and carriage returns are no items", async () => {
  expect(await linesOf('\n\r\n{"a":1}\n  \n', 3)).toEqual(['{"a":1}']);
});

test("a line over the limit is refused before it is complete", async () => {
  let chunks = 0;
  const endless = (async function* () {
    while (true) {
      chunks += 1;
      yield Buffer.alloc(1000, "x");
    }
  })();
  await expect(readLines(endless, 10_000).next()).rejects.toMatchObject({
    code: "PAYLOAD_TOO_LARGE",
    details: { line: 1 },
  });
  expect(chunks).toBe(11);
});
