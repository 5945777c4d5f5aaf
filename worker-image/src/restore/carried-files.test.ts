import { lstat, mkdtemp, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { type Header, pack } from "tar-stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EntryRefused, placeOf, writeCarried } from "./carried-files.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "gantry-carried-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const never = new AbortController().signal;
const mtime = new Date("2026-01-02T03:04:05.678Z");

/** An archive of entries; text where it is a file with content. */
function tarOf(entries: (Partial<Header> & { name: string; text?: string })[]): Readable {
  const tar = pack();
  for (const { text, ...header } of entries)
    tar.entry({ mtime, pax: { mtime: String(mtime.getTime() / 1000) }, ...header } as Header, text ?? "");
  tar.finalize();
  return Readable.from(tar as AsyncIterable<Buffer>);
}

describe("where an entry of a checkpoint may be", () => {
  const folders = ["/tmp", "/run/gantry"];
  const cases: Record<string, string | RegExp> = {
    "tmp/a": "/tmp/a",
    "/tmp/a": "/tmp/a",
    "run/gantry/b/": "/run/gantry/b",
    tmp: "/tmp",
    "etc/passwd": /not below/,
    "run/gantryx": /not below/,
    run: /not below/,
    "tmp/../etc/passwd": /upwards/,
    "tmp/a\0b": /no path/,
  };
  test.each(Object.entries(cases))("%j", (name, want) => {
    if (typeof want === "string") expect(placeOf(name, folders)).toBe(want);
    else expect(() => placeOf(name, folders)).toThrow(want);
  });
});

describe("writing the files of a checkpoint back", () => {
  test("gives files, folders and links their content, modes and times", async () => {
    await writeFile(join(dir, "there"), "longer than what replaces it");
    const big = "x".repeat(3_000_000);
    const deep = `${"deep/".repeat(30)}file`;
    const entries = [
      { name: `${dir}/sub/`, type: "directory" as const, mode: 0o700 },
      { name: `${dir}/sub/big`, text: big, mode: 0o640 },
      { name: `${dir}/there`, text: "new" },
      { name: `${dir}/${deep}`, text: "long path" },
      { name: `${dir}/symbolic`, type: "symlink" as const, linkname: "/nowhere" },
      { name: `${dir}/hard`, type: "link" as const, linkname: `${dir}/there` },
      { name: `${dir}/pipe`, type: "fifo" as const, mode: 0o620 },
      { name: `${dir}/setuid`, text: "", mode: 0o4755 },
    ];
    await writeCarried(tarOf(entries), [dir], never);
    expect(await readFile(join(dir, "sub/big"), "utf8")).toBe(big);
    expect(await readFile(join(dir, "there"), "utf8")).toBe("new");
    expect(await readFile(join(dir, deep), "utf8")).toBe("long path");
    expect(await readlink(join(dir, "symbolic"))).toBe("/nowhere");
    expect((await stat(join(dir, "pipe"))).isFIFO()).toBe(true);
    const [sub, file, setuid] = await Promise.all(["sub", "sub/big", "setuid"].map((name) => stat(join(dir, name))));
    expect([sub, file, setuid].map((each) => (each?.mode ?? 0) & 0o7777)).toEqual([0o700, 0o640, 0o755]);
    expect([sub, file].map((each) => each?.mtime.getTime())).toEqual([mtime, mtime].map(Number));
    expect((await stat(join(dir, "hard"))).ino).toBe((await stat(join(dir, "there"))).ino);
  });

  const refused: Record<string, (Partial<Header> & { name: string })[]> = {
    "outside of the folders": [{ name: "etc/gantry-should-not-be-here" }],
    "through a symbolic link of the archive's own": [
      { name: "DIR/away", type: "symlink", linkname: "/var" },
      { name: "DIR/away/gantry-should-not-be-here" },
    ],
    "through a symbolic link that is there": [{ name: "DIR/planted/gantry-should-not-be-here" }],
    "a hard link to what lies outside": [{ name: "DIR/hard", type: "link", linkname: "/etc/passwd" }],
    "a device": [{ name: "DIR/device", type: "character-device" }],
  };
  test.each(Object.entries(refused))("refuses what would be %s", async (_sentence, entries) => {
    await symlink("/var", join(dir, "planted"));
    const named = entries.map((each) => ({ ...each, name: each.name.replace("DIR", dir) }));
    await expect(writeCarried(tarOf(named), [dir], never)).rejects.toThrow(EntryRefused);
    await expect(lstat("/etc/gantry-should-not-be-here")).rejects.toThrow("ENOENT");
    await expect(lstat("/var/gantry-should-not-be-here")).rejects.toThrow("ENOENT");
  });

  test("replaces a symbolic link instead of writing to where it leads", async () => {
    await writeFile(join(dir, "target"), "untouched");
    await symlink(join(dir, "target"), join(dir, "link"));
    await writeCarried(tarOf([{ name: `${dir}/link`, text: "new" }]), [dir], never);
    expect(await readFile(join(dir, "target"), "utf8")).toBe("untouched");
    expect((await lstat(join(dir, "link"))).isFile()).toBe(true);
  });

  test("fails where the archive ends early, and where it is told to stop", async () => {
    const bytes = Buffer.concat(await tarOf([{ name: `${dir}/a`, text: "y".repeat(5000) }]).toArray());
    await expect(writeCarried(Readable.from([bytes.subarray(0, 2000)]), [dir], never)).rejects.toThrow();
    const stopped = AbortSignal.abort(new Error("stop"));
    await expect(writeCarried(Readable.from([bytes]), [dir], stopped)).rejects.toThrow();
  });
});
