import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";
import { sdkRoot } from "../../src/cli/bundle/project-root.ts";

/** A user's project in a folder of its own, with @gantry/sdk installed; removed when the test has ended. */
export function tempProject(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "gantry-project-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  writeFiles(folder, { "package.json": JSON.stringify({ name: "demo", type: "module" }), ...files });
  mkdirSync(join(folder, "node_modules/@gantry"), { recursive: true });
  symlinkSync(sdkRoot(), join(folder, "node_modules/@gantry/sdk"), "junction");
  return folder;
}

export function writeFiles(folder: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

/** The text of a task file with one task of that id. */
export function taskFile(id: string, body = "return 1;"): string {
  return `import { task } from "@gantry/sdk";\nexport const it = task({ id: ${JSON.stringify(id)}, run: async () => { ${body} } });\n`;
}
