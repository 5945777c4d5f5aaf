import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DASHBOARD } from "./build/dashboard.mjs";

/** Bytes that a first visit to a page may take, as they travel: gzip, the socket's client included. */
const BUDGET = 250_000;
/** What a page may bring that no first look needs. */
const LATER = /codemirror/i;

const manifest = JSON.parse(await readFile(join(DASHBOARD, ".vite", "manifest.json"), "utf8"));
const entry = Object.keys(manifest).find((name) => manifest[name].isEntry);
const pages = Object.keys(manifest).filter((name) => name.endsWith("-page.tsx"));
const socket = Object.keys(manifest).filter((name) => /socket\.io/.test(manifest[name].file));

/** Files that are loaded with these, by static imports. */
function filesOf(names) {
  const seen = new Set();
  const visit = (name) => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const each of manifest[name].imports ?? []) visit(each);
  };
  names.forEach(visit);
  return new Set([...seen].flatMap((name) => [manifest[name].file, ...(manifest[name].css ?? [])]));
}

const bytesOf = async (file) => (await stat(join(DASHBOARD, `${file}.gz`))).size;

describe("the built dashboard", () => {
  test("has its pages and the socket's client in files of their own", () => {
    expect(pages.length).toBeGreaterThan(15);
    expect(socket).toHaveLength(1);
    expect(manifest[entry].imports.some((name) => pages.includes(name))).toBe(false);
  });

  test.each(pages)("a first visit to %s takes at most 250 kB", async (page) => {
    const files = [...filesOf([entry, page, ...socket])];
    const sizes = await Promise.all(files.map(bytesOf));
    expect(sizes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(BUDGET);
    expect(files.filter((file) => LATER.test(file))).toEqual([]);
  });

  test("has every text beside it in brotli and gzip, and no script within its page", async () => {
    for (const { file, css = [] } of Object.values(manifest))
      for (const each of [file, ...css])
        for (const ending of ["br", "gz"]) await stat(join(DASHBOARD, `${each}.${ending}`));
    const page = await readFile(join(DASHBOARD, "index.html"), "utf8");
    expect(page.match(/<script(?![^>]*\bsrc=)/g)).toBeNull();
    expect(page).toContain("__CSP_NONCE__");
  });
});
