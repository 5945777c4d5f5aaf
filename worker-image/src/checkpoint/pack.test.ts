import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdDecompressSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inPieces, pack } from "./pack.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-pack-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const never = new AbortController().signal;

async function packed(archive: Parameters<typeof pack>[0], signal = never) {
  const { pieces, bytes } = pack(archive, signal);
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(piece);
  return { tar: zstdDecompressSync(Buffer.concat(all)), bytes: bytes() };
}

describe.skipIf(process.platform === "win32")("an archive of files", () => {
  test("has all that is included, by name, without sockets and without what is excluded", async () => {
    await mkdir(join(dir, "b", "deep"), { recursive: true });
    await writeFile(join(dir, "b", "deep", "file"), "content");
    await writeFile(join(dir, "a"), "");
    await symlink("a", join(dir, "link"));
    await mkdir(join(dir, "cache"));
    await writeFile(join(dir, "cache", "left-out"), "");
    await writeFile(join(dir, "cached"), "");
    const server = createServer().listen(join(dir, "1.sock"));
    await new Promise((resolve) => server.once("listening", resolve));
    const { tar, bytes } = await packed({ include: [dir], exclude: [join(dir, "cache")] });
    server.close();
    expect(bytes).toBe(tar.length);
    const listed = execFileSync("tar", ["--list"], { input: tar, encoding: "utf8" });
    const names = listed
      .trim()
      .split("\n")
      .map((name) => name.slice(dir.length - 1));
    expect(names).toEqual(["/", "/a", "/b/", "/b/deep/", "/b/deep/file", "/cached", "/link"]);
  });

  test("is none where a folder is missing", async () => {
    await expect(packed({ include: [join(dir, "missing")], exclude: [] })).rejects.toThrow(
      /could not be packed.*missing/s,
    );
  });

  test("is given up when it is no longer wanted", async () => {
    await writeFile(join(dir, "a"), Buffer.alloc(5_000_000));
    await expect(packed({ include: [dir], exclude: [] }, AbortSignal.abort())).rejects.toThrow();
  });
});

test.each<[string, string[], string[]]>([
  ["nothing", [], []],
  ["less than one", ["ab"], ["ab"]],
  ["exactly one", ["ab", "c"], ["abc"]],
  ["several from one part", ["abcdefgh"], ["abc", "def", "gh"]],
  ["parts that do not fit", ["ab", "cd", "ef", "g"], ["abc", "def", "g"]],
])("pieces of %s", async (_sentence, parts, want) => {
  async function* stream() {
    for (const part of parts) yield Buffer.from(part);
  }
  const got: string[] = [];
  for await (const piece of inPieces(stream(), 3)) got.push(String(piece));
  expect(got).toEqual(want);
});
