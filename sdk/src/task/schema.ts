/* oxlint-disable typescript/no-explicit-any -- only `any` lets a type parameter be inferred in both directions here */
/**
 * Payload schemas: anything that speaks Standard Schema (zod, valibot, arktype, …), and the parsers that came before it.
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";

/** A schema without Standard Schema: a parse function, or an object with one of the known methods. */
export type CustomSchema<TOut> =
  | ((input: unknown) => TOut | Promise<TOut>)
  | { parse(input: unknown): TOut }
  | { create(input: unknown): TOut }
  | { validateSync(input: unknown): TOut };

export type TaskSchema = StandardSchemaV1<any, any> | CustomSchema<any>;

/** What a caller may pass to a task with this schema. */
export type SchemaIn<TSchema extends TaskSchema | undefined> =
  TSchema extends StandardSchemaV1<infer TIn, any> ? TIn : TSchema extends CustomSchema<infer TOut> ? TOut : unknown;
/** What the task's function is given. */
export type SchemaOut<TSchema extends TaskSchema | undefined> =
  TSchema extends StandardSchemaV1<any, infer TOut> ? TOut : TSchema extends CustomSchema<infer TOut> ? TOut : unknown;

/** An issue's message and where it is, as every Standard Schema library tells it. */
export class SchemaIssuesError extends Error {
  override readonly name = "SchemaIssuesError";
  readonly issues: readonly StandardSchemaV1.Issue[];

  constructor(issues: readonly StandardSchemaV1.Issue[]) {
    super(issues.map(describeIssue).join("; "));
    this.issues = issues;
  }
}

/** The parse function of a schema. Error: nothing in it can be called to check a value. */
export function payloadParser(schema: TaskSchema): (payload: unknown) => Promise<unknown> {
  if (isStandardSchema(schema)) return (payload) => parseStandard(schema, payload);
  const parse = customParser(schema);
  if (!parse) throw new TypeError("This schema has no validator: use zod, valibot, arktype or a function.");
  return async (payload) => parse(payload);
}

/** JSON schema of what a caller may pass, where the library can tell; undefined otherwise. */
export function jsonSchemaOf(schema: unknown): unknown {
  const known = schema as {
    "~standard"?: { jsonSchema?: { input?: (options: { target: string }) => unknown } };
    toJsonSchema?: () => unknown;
  };
  try {
    return known["~standard"]?.jsonSchema?.input?.({ target: "draft-2020-12" }) ?? known.toJsonSchema?.();
  } catch {
    // Transforms and dates have no JSON schema; the task works without one.
    return undefined;
  }
}

function isStandardSchema(schema: TaskSchema): schema is StandardSchemaV1 {
  return typeof (schema as Partial<StandardSchemaV1>)["~standard"]?.validate === "function";
}

async function parseStandard(schema: StandardSchemaV1, payload: unknown): Promise<unknown> {
  const result = await schema["~standard"].validate(payload);
  if (result.issues) throw new SchemaIssuesError(result.issues);
  return result.value;
}

function customParser(schema: TaskSchema): ((payload: unknown) => unknown) | undefined {
  if (typeof schema === "function") return schema as (payload: unknown) => unknown;
  const methods = schema as unknown as Record<string, ((payload: unknown) => unknown) | undefined>;
  const name = ["parse", "create", "validateSync"].find((method) => typeof methods[method] === "function");
  return name === undefined ? undefined : methods[name]?.bind(schema);
}

function describeIssue({ message, path }: StandardSchemaV1.Issue): string {
  const keys = path?.map((part) => String(typeof part === "object" ? part.key : part)) ?? [];
  return keys.length === 0 ? message : `${keys.join(".")}: ${message}`;
}
