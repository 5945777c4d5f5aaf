import { VARIABLE_LIMITS } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED = /^GANTRY_(PLATFORM|WORKER)_/i;

/** Errors: VALIDATION_FAILED, which names the variable and never its value. */
export function refuseBadVariable({ name, value }: { name: string; value: string }): void {
  if (!NAME.test(name) || name.length > VARIABLE_LIMITS.nameCharacters)
    throw refused(name, "is no name: letters, digits and underscores, no digit first, 256 characters at most");
  if (RESERVED.test(name))
    throw refused(name, "begins with GANTRY_PLATFORM_ or GANTRY_WORKER_, which are Gantry's own");
  const bytes = Buffer.byteLength(value);
  if (bytes > VARIABLE_LIMITS.valueBytes)
    throw refused(name, `has ${bytes} bytes; ${VARIABLE_LIMITS.valueBytes} are allowed`, "variableBytes");
  if (value.includes("\0")) throw refused(name, "contains a NUL, which no environment can hold");
}

/** Errors: VALIDATION_FAILED. `all` is what the environment would have. */
export function refuseTooMuch(all: Iterable<{ name: string; value: string }>): void {
  let bytes = 0;
  for (const { name, value } of all) bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  if (bytes <= VARIABLE_LIMITS.totalBytes) return;
  const message = `The environment's variables would have ${bytes} bytes together; ${VARIABLE_LIMITS.totalBytes} are allowed.`;
  throw new AppError("VALIDATION_FAILED", message, { details: { limit: "variablesBytes" } });
}

function refused(name: string, problem: string, limit?: string): AppError {
  const shown = JSON.stringify(name.slice(0, 100));
  return new AppError("VALIDATION_FAILED", `The variable ${shown} ${problem}.`, {
    details: {
      issues: [{ path: `variables.${name.slice(0, 100)}`, message: problem }],
      ...(limit === undefined ? {} : { limit }),
    },
  });
}
