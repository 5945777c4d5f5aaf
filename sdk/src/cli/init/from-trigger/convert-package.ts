import type { Finding } from "./source-file.ts";

export interface PackageChanges {
  /** @gantry/sdk's and @gantry/platform's version range. */
  version: string;
  /** Of Trigger.dev's packages, those that nothing needs any more. */
  unneeded: string[];
}

const COMMAND =
  /(?:\b(?:npx|bunx|pnpm exec|pnpm dlx|yarn dlx|pnpx)\s+(?:-{1,2}\S+\s+)*)?\btrigger(?:\.dev)?(?:@\S+)?\s+(?=(\w+))/g;
const SAME = new Set(["dev", "deploy", "login", "whoami", "promote", "init"]);
const FLAGS_NOT_HERE =
  /\s--(self-hosted|push|network|registry|namespace|load-image|profile|skip-update-check|mcp|analyze)\b(=\S+)?/g;

/** A package.json whose scripts start Gantry. Its order and indentation stay. Pure. */
export function convertPackage(
  file: string,
  text: string,
  { version, unneeded }: PackageChanges,
): { text: string; findings: Finding[] } {
  const findings: Finding[] = [];
  const manifest = JSON.parse(text) as Record<string, Record<string, string> | undefined>;
  const lineOf = (needle: string) => text.slice(0, text.indexOf(needle)).split("\n").length;
  for (const [name, script] of Object.entries(manifest.scripts ?? {})) {
    const converted = convertScript(script, (why) => findings.push({ file, line: lineOf(`"${name}"`), why }));
    (manifest.scripts as Record<string, string>)[name] = converted;
  }
  const had = { ...manifest.dependencies, ...manifest.devDependencies };
  for (const kind of ["dependencies", "devDependencies"] as const) {
    const kept = Object.entries(manifest[kind] ?? {}).filter(([name]) => !unneeded.includes(name));
    const added = kind === "dependencies" ? "@gantry/sdk" : "@gantry/platform";
    if (!(added in had)) kept.push([added, version]);
    if (kept.length > 0) manifest[kind] = Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
    else delete manifest[kind];
  }
  const indent = /\n([ \t]+)"/.exec(text)?.[1] ?? "  ";
  return { text: `${JSON.stringify(manifest, null, indent)}\n`, findings };
}

function convertScript(script: string, say: (why: string) => void): string {
  const commands = [...script.matchAll(COMMAND)].map((match) => match[1] as string);
  if (commands.length === 0) return script;
  const unknown = commands.find((command) => !SAME.has(command));
  if (unknown !== undefined) {
    say(`the script runs \`trigger ${unknown}\`, which Gantry has not`);
    return script;
  }
  const lost = [...script.matchAll(FLAGS_NOT_HERE)].map((match) => match[0].trim());
  if (lost.length > 0) say(`${lost.join(" ")} is left out: Gantry has no such option`);
  return script.replace(FLAGS_NOT_HERE, "").replace(COMMAND, "gantry ");
}
