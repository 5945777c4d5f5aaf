import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);

test("what the SDK itself does for steps, waits, logs and metadata is never taken for the function's", async () => {
  const program = join(import.meta.dirname, "corpus", "run-sdk.ts");
  const { stdout } = await run(process.execPath, ["--conditions=gantry-source", "--no-warnings", program]);
  expect(JSON.parse(stdout)).toEqual({ unsafe: [], isBusy: false, waits: 2 });
});
