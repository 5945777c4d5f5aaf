import { ERRORS } from "../../platform/src/errors.ts";
import { table } from "./markdown-table.mjs";

/** The list of errors, from the registry. */
export function errorsDoc() {
  const rows = Object.entries(ERRORS).map(([code, { status, retryable, remedy }]) => [
    `\`${code}\``,
    status,
    retryable ? "yes" : "no",
    remedy,
  ]);
  return `# Errors

<!-- Written by make generate from platform/src/errors.ts. -->

Every error of the API is \`{ error, code, details? }\`. The code is part of the API and never changes its meaning.

${table(["code", "status", "try again", "what to do"], rows)}
`;
}
