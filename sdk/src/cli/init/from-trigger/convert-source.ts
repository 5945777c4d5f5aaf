import MagicString from "magic-string";
import { type Finding, moduleUses, parseSource } from "./source-file.ts";

const SDK = /^@trigger\.dev\/sdk(\/v3)?$/;

/** What stands in a file's place, and what it uses that Gantry lacks. `exported`: the values that @gantry/sdk has. */
export function convertSource(
  file: string,
  text: string,
  { rewrites, exported }: { rewrites: boolean; exported: ReadonlySet<string> },
): { text: string; findings: Finding[] } {
  const findings: Finding[] = [];
  const edit = new MagicString(text);
  for (const { module, start, end, line, names } of usesOf(file, text, findings)) {
    if (SDK.test(module)) {
      if (rewrites) edit.overwrite(start, end, text[start] === "'" ? "'@gantry/sdk'" : '"@gantry/sdk"');
      for (const { imported, isType, line: at } of names) {
        if (!isType && !exported.has(imported) && !/^[A-Z]/.test(imported))
          findings.push({ file, line: at, why: `${imported} of ${module} is not in @gantry/sdk` });
      }
    } else if (module.startsWith("@trigger.dev/")) {
      findings.push({ file, line, why: reasonFor(module) });
    }
  }
  return { text: edit.toString(), findings };
}

function usesOf(file: string, text: string, findings: Finding[]) {
  try {
    return moduleUses(parseSource(file, text));
  } catch (error) {
    findings.push({ file, line: undefined, why: `not read: ${(error as Error).message}` });
    return [];
  }
}

function reasonFor(module: string): string {
  if (module.startsWith("@trigger.dev/react-hooks"))
    return `${module} is left as it is: its hooks speak Trigger.dev's realtime protocol, which Gantry does not serve`;
  return `${module} is left as it is; Gantry has nothing in its place`;
}
