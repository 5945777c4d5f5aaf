import MagicString from "magic-string";
import { type Finding, moduleUses, parseSource } from "./source-file.ts";

const SDK = /^@trigger\.dev\/sdk(\/v3)?$/;
const HOOKS = "@trigger.dev/react-hooks";
/** What of their hooks @gantry/sdk/react has under the same name. */
export const REACT_NAMES: ReadonlySet<string> = new Set([
  "TriggerAuthContext",
  "useInputStreamSend",
  "useRealtimeBatch",
  "useRealtimeRun",
  "useRealtimeRunWithStreams",
  "useRealtimeRunsWithTag",
  "useRealtimeStream",
  "useRealtimeTaskTrigger",
  "useRealtimeTaskTriggerWithStreams",
  "useRun",
  "useTaskTrigger",
  "useTriggerAuthContext",
  "useTriggerAuthContextOptional",
  "useWaitToken",
]);

/**
 * What stands in a file's place, and what it uses that Gantry lacks. `exported`: the values that @gantry/sdk has.
 *
 * The bundler knows @trigger.dev/sdk as ours, so its imports are rewritten only where that is asked for. Hooks are the app's,
 * whose bundler knows nothing of us, and theirs speak another protocol: they are rewritten always.
 */
export function convertSource(
  file: string,
  text: string,
  { rewrites, exported }: { rewrites: boolean; exported: ReadonlySet<string> },
): { text: string; findings: Finding[] } {
  const findings: Finding[] = [];
  const edit = new MagicString(text);
  for (const { module, start, end, line, names } of usesOf(file, text, findings)) {
    const ours = SDK.test(module) ? "@gantry/sdk" : module === HOOKS ? "@gantry/sdk/react" : undefined;
    if (ours !== undefined) {
      if (rewrites || module === HOOKS) edit.overwrite(start, end, text[start] === "'" ? `'${ours}'` : `"${ours}"`);
      const known = module === HOOKS ? REACT_NAMES : exported;
      for (const { imported, isType, line: at } of names) {
        if (!isType && !known.has(imported) && !/^[A-Z]/.test(imported))
          findings.push({ file, line: at, why: `${imported} of ${module} is not in ${ours}` });
      }
    } else if (module.startsWith("@trigger.dev/")) {
      findings.push({ file, line, why: `${module} is left as it is; Gantry has nothing in its place` });
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
