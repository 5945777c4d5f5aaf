import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { freeBytes } from "../adapters/filesystem/disk-space.ts";
import type { Logger } from "../logging.ts";
import { MIN_FREE_BYTES, storageLoop } from "./storage-loop.ts";

test("a disk is full below the reserve, and has room again only with some more", async () => {
  const seen: boolean[] = [];
  let free: number | undefined;
  const logger = { info() {}, error() {} } as unknown as Logger;
  const loop = storageLoop({ freeBytes: async () => free, setFull: (isFull) => seen.push(isFull), logger });
  for (free of [
    undefined,
    MIN_FREE_BYTES,
    MIN_FREE_BYTES - 1,
    MIN_FREE_BYTES - 1,
    MIN_FREE_BYTES + 1,
    MIN_FREE_BYTES * 2,
    undefined,
  ])
    await loop.tick(0);
  expect(seen).toEqual([true, false]);
});

test("the room below a folder is known, that below none is not", async () => {
  expect(await freeBytes(tmpdir())).toBeGreaterThan(0);
  expect(await freeBytes("/no/such/folder")).toBeUndefined();
});
