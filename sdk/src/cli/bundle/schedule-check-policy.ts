import { type Manifest, scheduleDeclarationSchema } from "../../contract/manifest.ts";
import { scheduleProblem } from "../../contract/schedule-policy.ts";

/** What is wrong with the first schedule that cannot be, with its task and file; undefined where all can. */
export function wrongSchedule({ tasks }: Pick<Manifest, "tasks">): string | undefined {
  for (const { id, filePath, schedule } of tasks) {
    if (schedule === undefined) continue;
    const message = shapeProblem(schedule) ?? scheduleProblem(schedule)?.message;
    if (message !== undefined) return `The schedule of the task "${id}" (${filePath}) is wrong. ${message}`;
  }
  return undefined;
}

/** For who writes no TypeScript, or a duration that is none. */
function shapeProblem(schedule: unknown): string | undefined {
  const issue = scheduleDeclarationSchema.safeParse(schedule).error?.issues[0];
  if (issue === undefined) return undefined;
  if (issue.path.at(-1) === "windowMs") return 'catchUp.within: write it like "30m", "6h" or "7d", a week at most.';
  return `${issue.path.join(".")}: ${issue.message}.`;
}
