import { UNSUPPORTED_OPTIONS } from "@gantry/sdk/contract";
import { z } from "zod";
import { didYouMean } from "../did-you-mean.ts";
import { AppError } from "../errors.ts";

type Issue = z.core.$ZodIssue;
const MAX_ISSUES = 20;

/** Checks a request against its schema. Errors: UNSUPPORTED_OPTION, or VALIDATION_FAILED with every issue by its path. */
export function parse<T extends z.ZodType>(
  schema: T,
  value: unknown,
  where: "body" | "query" | "path" | "line",
): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw validationError(schema, result.error.issues, where);
}

function validationError(schema: z.ZodType, issues: readonly Issue[], where: string): AppError {
  const unsupported = issues.map(unsupportedOption).find((name) => name !== undefined);
  if (unsupported !== undefined) return unsupportedOptionError(unsupported);
  const found = issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: issue.path.map(String).join(".").slice(0, 200),
    message: describe(schema, issue).slice(0, 500),
  }));
  const first = found[0];
  const text = first === undefined ? "" : first.path === "" ? first.message : `${first.path}: ${first.message}`;
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : "";
  return new AppError("VALIDATION_FAILED", `The ${where} is not valid: ${text}${more}.`.replace("..", "."), {
    details: { issues: found },
  });
}

export function unsupportedOptionError(name: string): AppError {
  return new AppError(
    "UNSUPPORTED_OPTION",
    `The option \`${name}\` is not supported yet. ${UNSUPPORTED_OPTIONS[name] ?? ""}`.trim(),
    {
      details: { option: name },
    },
  );
}

function unsupportedOption(issue: Issue): string | undefined {
  const isOption = (name: unknown): name is string =>
    typeof name === "string" && Object.hasOwn(UNSUPPORTED_OPTIONS, name);
  if (issue.code === "unrecognized_keys") return issue.keys.find(isOption);
  const last = issue.path.at(-1);
  return isOption(last) ? last : undefined;
}

function describe(schema: z.ZodType, issue: Issue): string {
  if (issue.code !== "unrecognized_keys") return issue.message;
  const known = keysAt(schema, issue.path);
  return issue.keys
    .map((key) => {
      const near = didYouMean(key, known);
      return `unknown field "${key.slice(0, 64)}"${near === undefined ? "" : `; did you mean "${near}"?`}`;
    })
    .join(", ");
}

/** The keys that the object at `path` may have. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: z.ZodType | undefined = unwrap(schema);
  for (const step of path) {
    if (at instanceof z.ZodObject) at = unwrap(at.shape[String(step)]);
    else if (at instanceof z.ZodArray) at = unwrap(at.element as z.ZodType);
    else return [];
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodNullable)
    at = at.unwrap() as z.ZodType;
  return at;
}
