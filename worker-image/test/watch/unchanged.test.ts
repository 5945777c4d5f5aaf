import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const PROBE = join(import.meta.dirname, "corpus", "probe.ts");

/** What code of the user's sees of the process: with the watch, and its hooks at work, the same as without. */
test("a watched process behaves as one that is not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "gantry-probe-"));
  const see = async (how: string): Promise<unknown> => {
    const args = ["--conditions=gantry-source", "--no-warnings", PROBE, how, folder];
    return JSON.parse((await run(process.execPath, args)).stdout);
  };
  const [watched, plain] = [await see("watched"), await see("plain")];
  await rm(folder, { recursive: true });
  expect(Object.keys(plain as object).length).toBeGreaterThan(40);
  expect(watched).toEqual(plain);
});
