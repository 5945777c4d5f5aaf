import { readFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path/posix";
import { parseSync } from "oxc-parser";
import { ROOT } from "../paths.mjs";

/** Entry of @gantry/sdk → its declarations, as built. */
const ENTRIES = {
  "@gantry/sdk": "index.d.ts",
  "@gantry/sdk/react": "react/index.d.ts",
  "@gantry/sdk/task": "task/index.d.ts",
  "@gantry/sdk/build": "build/index.d.ts",
  "@gantry/sdk/testing": "testing/index.d.ts",
};

/**
 * What each public entry of the SDK exports, with its declaration: a change here is a change for users. Made from the
 * declarations in dist, so that it shows what users' compilers see.
 */
export async function apiReport() {
  const sections = [];
  for (const [name, file] of Object.entries(ENTRIES)) {
    const exported = [...(await exportsOf(file))].sort(([a], [b]) => (a < b ? -1 : 1));
    sections.push(`## ${name}\n\n\`\`\`ts\n${exported.map(([, text]) => text).join("\n")}\n\`\`\`\n`);
  }
  return `# Public API of the SDK\n\n<!-- Written by make generate from the declarations in sdk/dist. -->\n\n${sections.join("\n")}`;
}

/** What each file exports, once it has been read: index files name the same file for each of a hundred names. */
const KNOWN = new Map();

/** Exported name → text of its declaration, without comments. */
async function exportsOf(file, seen = new Set()) {
  const known = KNOWN.get(file);
  if (known !== undefined) return known;
  if (seen.has(file)) return new Map();
  seen.add(file);
  const source = await readFile(join(ROOT, "sdk", "dist", file), "utf8").catch(() => "");
  const { program, module } = parseSync(file, source);
  const local = declarations(program, source);
  const found = new Map();
  for (const { entries } of module.staticExports) {
    for (const entry of entries) {
      const exportedName = entry.exportName.name ?? (entry.exportName.kind === "Default" ? "default" : undefined);
      const from = entry.moduleRequest?.value;
      const there = from?.startsWith(".")
        ? await exportsOf(normalize(join(dirname(file), from.replace(/\.js$/, ".d.ts"))), new Set(seen))
        : new Map();
      if (!exportedName) {
        for (const [name, text] of there) found.set(name, text);
        continue;
      }
      const importedName = entry.importName.name ?? entry.localName.name ?? exportedName;
      found.set(
        exportedName,
        there.get(importedName) ??
          local.get(importedName) ??
          `export { ${exportedName} }${from ? ` from "${from}"` : ""};`,
      );
    }
  }
  KNOWN.set(file, found);
  return found;
}

function declarations(program, source) {
  const found = new Map();
  const comments = /\/\*\*[\s\S]*?\*\/\s*/g;
  for (const statement of program.body) {
    const node = statement.declaration ?? statement;
    const names = node.declarations ? node.declarations.map(({ id }) => id.name) : [node.id?.name];
    const text = source.slice(statement.start, statement.end).replaceAll(comments, "").trimEnd();
    for (const name of names) if (name) found.set(name, found.has(name) ? `${found.get(name)}\n${text}` : text);
  }
  return found;
}
