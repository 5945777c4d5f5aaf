/**
 * A process of its own that imports a bundle and tells over IPC what it declares: what task files do on import happens
 * here, not in the CLI. `node describe-process.js <file URL of the entry>`.
 */

import type { Manifest } from "../contract/manifest.ts";
import { toWireError, type WireError } from "../contract/wire-error.ts";
import { DeclarationError, describeCatalogue } from "../task/index.ts";
import { wrongSchedule } from "./bundle/schedule-check-policy.ts";

export type Description =
  | { ok: true; declared: Pick<Manifest, "tasks" | "queues"> }
  | { ok: false; code: string; file: string | undefined; error: WireError };

async function describe(entryUrl: string): Promise<Description> {
  try {
    await import(entryUrl);
    const declared = describeCatalogue();
    const wrong = wrongSchedule(declared);
    if (wrong !== undefined) throw new DeclarationError("INVALID_SCHEDULE", wrong);
    return { ok: true, declared };
  } catch (thrown) {
    const { file, cause } = thrown as { file?: string; cause?: unknown };
    if (thrown instanceof DeclarationError) {
      return { ok: false, code: thrown.code, file: undefined, error: toWireError(thrown) };
    }
    return { ok: false, code: "TASK_FILE_THREW", file, error: toWireError(file === undefined ? thrown : cause) };
  }
}

const entryUrl = process.argv[2];
if (entryUrl === undefined || process.send === undefined)
  throw new Error("describe-process is started by the CLI only");
const description = await describe(entryUrl);
// Task files may have opened connections: the process ends when the answer is out, whatever is still open.
process.send(description, undefined, undefined, () => process.exit(0));
