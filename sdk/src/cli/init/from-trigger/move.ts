import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { confirm, isCancel } from "@clack/prompts";
import { createTwoFilesPatch } from "diff";
import { CliError, EXIT, type ExitCode } from "../../cli-error.ts";
import type { CommandContext } from "../../command-context.ts";
import { type FileChange, type MoveOptions, type MovePlan, planMove } from "./plan.ts";
import type { Finding } from "./source-file.ts";

/** `gantry init --from-trigger`. Errors: those of planMove; NEEDS_YES where nobody can be asked. */
export async function moveFromTrigger(
  context: CommandContext,
  { dryRun, yes, ...options }: MoveOptions & { dryRun: boolean; yes: boolean },
): Promise<ExitCode> {
  const { cwd, terminal, json } = context;
  const plan = planMove(cwd, options);
  const files = plan.changes.map(({ file, before }) => ({ file, what: before === undefined ? "written" : "changed" }));
  if (json && (dryRun || yes)) {
    if (!dryRun) write(cwd, plan.changes);
    context.printJson({ dryRun, changes: files, notConverted: plan.findings });
    return EXIT.ok;
  }
  if (!json) for (const change of plan.changes) terminal.out(dryRun ? diffOf(change) : summary(change));
  if (!json) tell(plan.findings, context);
  if (dryRun) return EXIT.ok;
  if (!yes && !(await agrees(context))) {
    terminal.err("Nothing was changed.");
    return EXIT.failed;
  }
  write(cwd, plan.changes);
  terminal.out(nextSteps(plan, context));
  return EXIT.ok;
}

async function agrees({ terminal, json }: CommandContext): Promise<boolean> {
  if (!terminal.isInteractive || json) {
    throw new CliError("NEEDS_YES", "Files would be changed, and there is nobody to ask.", {
      remedy: "Look at the changes with --dry-run, then run it with --yes.",
    });
  }
  const answer = await confirm({ message: "Change these files?" });
  return !isCancel(answer) && answer;
}

function write(cwd: string, changes: FileChange[]): void {
  for (const { file, after } of changes) writeFileSync(join(cwd, file), after);
}

function summary({ file, before }: FileChange): string {
  return `${(before === undefined ? "write" : "change").padEnd(7)} ${file}`;
}

function diffOf({ file, before, after }: FileChange): string {
  const from = before === undefined ? "/dev/null" : `a/${file}`;
  return createTwoFilesPatch(from, `b/${file}`, before ?? "", after, undefined, undefined, { context: 2 })
    .split("\n")
    .slice(1)
    .join("\n")
    .trimEnd();
}

function tell(findings: Finding[], { terminal }: CommandContext): void {
  if (findings.length === 0) return;
  const { bold, yellow } = terminal.colors;
  terminal.out(`\n${bold("To do by hand:")}`);
  for (const { file, line, why } of findings)
    terminal.out(`  ${yellow(line === undefined ? file : `${file}:${line}`)}  ${why}`);
}

function nextSteps({ changes }: MovePlan, { terminal }: CommandContext): string {
  const { bold } = terminal.colors;
  const config = changes.find(({ file }) => file.startsWith("gantry.config"))?.file ?? "gantry.config.ts";
  return [
    "",
    "Next:",
    `  ${bold("npm install")}`,
    `  ${bold("npx gantry dev")}`,
    `${config} is read from now on; remove ${config.replace("gantry", "trigger")} when nothing in it is needed.`,
  ].join("\n");
}
