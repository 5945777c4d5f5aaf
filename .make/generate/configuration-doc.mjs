import { PREFIX, SETTINGS } from "../../platform/src/config.ts";
import { table } from "./markdown-table.mjs";

/** The settings' table, from the schema that reads them. */
export function configurationDoc() {
  const rows = Object.entries(SETTINGS).map(([name, { schema, unit, doc }]) => [
    `\`${PREFIX}${name}\``,
    defaultOf(schema),
    unit,
    doc,
  ]);
  return `# Configuration

<!-- Written by make generate from platform/src/config.ts. -->

The platform reads these variables. An unknown \`${PREFIX}…\` fails the start and says which one was meant; an empty value counts
as unset.

${table(["variable", "default", "unit", "what it does"], rows)}
`;
}

function defaultOf(schema) {
  const parsed = schema.safeParse(undefined);
  if (!parsed.success || parsed.data === undefined) return "";
  return `\`${Array.isArray(parsed.data) ? parsed.data.join(",") : parsed.data}\``;
}
