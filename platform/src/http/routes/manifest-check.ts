import { isStorableText, type Manifest, scheduleProblem } from "@gantry/sdk/contract";
import { AppError } from "../../errors.ts";

/** What the schema of a manifest cannot say. Errors: VALIDATION_FAILED. */
export function refuseManifest(manifest: Manifest): void {
  refuseDuplicates(manifest.tasks.map(({ id }) => id));
  refuseUnstorable(manifest, "manifest", 0);
  refuseBadSchedules(manifest);
}

/** The CLI says it before; a manifest may come from elsewhere. */
function refuseBadSchedules(manifest: Manifest): void {
  for (const [index, { id, schedule }] of manifest.tasks.entries()) {
    const problem = schedule && scheduleProblem(schedule);
    if (problem === undefined) continue;
    const path = `manifest.tasks.${index}.schedule.${problem.field}`;
    throw new AppError("VALIDATION_FAILED", `The schedule of the task "${id}": ${problem.message}`, {
      details: { issues: [{ path, message: problem.message }] },
    });
  }
}

/** Two tasks with one id would overwrite each other silently. */
function refuseDuplicates(ids: readonly string[]): void {
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice === undefined) return;
  throw new AppError("VALIDATION_FAILED", `Two tasks have the id "${twice}".`, {
    details: { issues: [{ path: "manifest.tasks", message: `duplicate id ${twice}` }] },
  });
}

const MAX_DEPTH = 200;

/** The manifest is kept as jsonb, which holds no NUL and no half of a surrogate pair, wherever it may stand. */
function refuseUnstorable(value: unknown, path: string, depth: number): void {
  if (depth > MAX_DEPTH) throw unstorable(path, "is nested too deeply");
  if (typeof value === "string" && !isStorableText(value))
    throw unstorable(path, "may not contain a NUL or half a surrogate pair");
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (!isStorableText(key)) throw unstorable(path, "has a key with a NUL or half a surrogate pair");
    refuseUnstorable(member, `${path}.${key}`, depth + 1);
  }
}

function unstorable(path: string, message: string): AppError {
  const issue = { path: path.slice(0, 200), message };
  return new AppError("VALIDATION_FAILED", `The body is not valid: ${issue.path}: ${message}.`, {
    details: { issues: [issue] },
  });
}
