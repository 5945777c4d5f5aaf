import { appendFile, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { OutputFile } from "./output-file.ts";

let dir: string;
let file: OutputFile;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-output-"));
  file = await OutputFile.create(join(dir, "out"));
});
afterEach(async () => {
  await file.remove();
  await rm(dir, { recursive: true, force: true });
});

const read = async () => {
  const all: string[] = [];
  await file.read((lines) => all.push(...lines), { keepsSize: true });
  return all;
};

describe("an output file whose process is stored", () => {
  test("is read on by the next runner from the line that has no end yet", async () => {
    await appendFile(file.path, "one\nhalf a l");
    expect(await read()).toEqual(["one"]);
    expect(await file.leave()).toEqual({ path: file.path, offset: 4 });
    expect(await readFile(file.path, "utf8")).toBe("one\nhalf a l");
  });

  test("keeps its size, and nothing else, where it is large and was read: it goes on behind that", async () => {
    const text = "line\n".repeat(10_000);
    await appendFile(file.path, text);
    await read();
    expect(await file.leave()).toEqual({ path: file.path, offset: text.length });
    expect((await stat(file.path)).size).toBe(text.length);
    expect((await readFile(file.path)).every((byte) => byte === 0)).toBe(true);
    await appendFile(file.path, "after\n");
    expect(await read()).toEqual(["after"]);
  });
});
