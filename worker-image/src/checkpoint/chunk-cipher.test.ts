import { CHECKPOINT_CHUNK_BYTES } from "@gantry/sdk/contract";
import { expect, test } from "vitest";
import { CHUNK_PLAIN_BYTES, openChunk, sealChunk } from "./chunk-cipher.ts";

const key = { checkpointId: "c", key: Buffer.alloc(32, 7).toString("base64") };

test("a chunk comes back as it was, and a full one has the size of a stored chunk", () => {
  const plain = Buffer.alloc(CHUNK_PLAIN_BYTES, "memory");
  const sealed = sealChunk(key, 3, plain);
  expect(sealed.length).toBe(CHECKPOINT_CHUNK_BYTES);
  expect(sealed.includes("memory")).toBe(false);
  expect(openChunk(key, 3, sealed).equals(plain)).toBe(true);
});

test("the same chunk is sealed to the same bytes, so that one that is sent again changes nothing", () => {
  expect(sealChunk(key, 0, Buffer.from("a")).equals(sealChunk(key, 0, Buffer.from("a")))).toBe(true);
});

const sealed = sealChunk(key, 3, Buffer.from("memory"));
const changed = (at: number) => Buffer.from(sealed.map((byte, i) => (i === at ? byte ^ 1 : byte)));
const refused: Record<string, () => Buffer> = {
  "a changed byte": () => openChunk(key, 3, changed(0)),
  "a changed tag": () => openChunk(key, 3, changed(sealed.length - 1)),
  "another chunk in its place": () => openChunk(key, 2, sealed),
  "a chunk of another checkpoint": () => openChunk({ ...key, checkpointId: "d" }, 3, sealed),
  "another key": () => openChunk({ ...key, key: Buffer.alloc(32, 8).toString("base64") }, 3, sealed),
  "a chunk that is cut off": () => openChunk(key, 3, sealed.subarray(0, 10)),
};
test.each(Object.entries(refused))("%s is refused", (_name, open) => {
  expect(open).toThrow(/of the checkpoint is/);
});
