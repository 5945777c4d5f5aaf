import { toJsonText } from "../run/shown-value.ts";

/** What the test page can be set to, as text, as it stands in its fields. */
export interface TestOptions {
  delay: string;
  ttl: string;
  tags: string;
  queue: string;
  concurrencyKey: string;
  machine: string;
  idempotencyKey: string;
  priority: string;
  maxAttempts: string;
  version: string;
}
export const NO_OPTIONS: TestOptions = {
  delay: "",
  ttl: "",
  tags: "",
  queue: "",
  concurrencyKey: "",
  machine: "",
  idempotencyKey: "",
  priority: "",
  maxAttempts: "",
  version: "",
};

/** The fields as a trigger's options; empty ones are left out. Errors: what is wrong, in words. */
export function triggerOptions(options: TestOptions): { options: Record<string, unknown> } | { error: string } {
  const set: Record<string, unknown> = { test: true };
  for (const name of ["delay", "concurrencyKey", "machine", "idempotencyKey"] as const) {
    if (options[name].trim() !== "") set[name] = options[name].trim();
  }
  if (options.ttl.trim() !== "") set.ttl = options.ttl.trim();
  if (options.version.trim() !== "") set.lockToVersion = options.version.trim();
  if (options.queue.trim() !== "") set.queue = { name: options.queue.trim() };
  const tags = tagList(options.tags);
  if (tags.length > 0) set.tags = tags;
  for (const name of ["priority", "maxAttempts"] as const) {
    if (options[name].trim() === "") continue;
    const value = Number(options[name]);
    if (!Number.isFinite(value)) return { error: `${WORDS[name]} is a number.` };
    set[name] = value;
  }
  return { options: set };
}

const WORDS = { priority: "Priority", maxAttempts: "Attempts" };

/** Separated by commas. */
export function tagList(text: string): string[] {
  return text
    .split(",")
    .map((tag) => tag.trim())
    .filter((tag) => tag !== "");
}

/** How many options differ from none: said where they are folded away. */
export function optionCount(options: TestOptions): number {
  return Object.values(options).filter((value) => value.trim() !== "").length;
}

type Schema = Record<string, unknown>;
const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const MAX_DEPTH = 6;

/** A payload that fits a JSON schema as far as can be told: what somebody types over. */
export function samplePayload(schema: unknown): unknown {
  return sample(schema, schema, 0);
}

export function sampleText(schema: unknown): string {
  return schema === undefined ? "{}" : toJsonText(samplePayload(schema) ?? {});
}

function sample(given: unknown, root: unknown, depth: number): unknown {
  const schema = resolved(given, root, depth);
  if (schema === undefined || depth > MAX_DEPTH) return null;
  if ("default" in schema) return schema.default;
  if ("const" in schema) return schema.const;
  if (Array.isArray(schema.examples) && schema.examples.length > 0) return schema.examples[0];
  if (Array.isArray(schema.enum)) return schema.enum[0];
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) return sample(choices[0], root, depth + 1);
  if (Array.isArray(schema.allOf)) {
    const parts = schema.allOf.map((part) => sample(part, root, depth + 1));
    return parts.every(isSchema) ? Object.assign({}, ...parts) : parts[0];
  }
  return ofType(schema, root, depth);
}

function resolved(given: unknown, root: unknown, depth: number): Schema | undefined {
  if (!isSchema(given)) return undefined;
  const reference = given.$ref;
  if (typeof reference !== "string" || !reference.startsWith("#") || depth > MAX_DEPTH) return given;
  const steps = reference.slice(1).split("/").filter(Boolean);
  const keys = steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const found = keys.reduce<unknown>((at, key) => (isSchema(at) ? at[key] : undefined), root);
  return isSchema(found) ? found : undefined;
}

function ofType(schema: Schema, root: unknown, depth: number): unknown {
  const type = Array.isArray(schema.type)
    ? schema.type[0]
    : (schema.type ?? (schema.properties ? "object" : undefined));
  switch (type) {
    case "string":
      return STRINGS[String(schema.format)] ?? "";
    case "number":
    case "integer":
      return typeof schema.minimum === "number" ? schema.minimum : 0;
    case "boolean":
      return false;
    case "array":
      return Number(schema.minItems ?? 0) > 0 ? [sample(schema.items, root, depth + 1)] : [];
    case "object":
      return requiredOf(schema, root, depth);
    default:
      return null;
  }
}

const STRINGS: Record<string, string> = {
  email: "ada@example.com",
  uri: "https://example.com",
  url: "https://example.com",
  uuid: "00000000-0000-4000-8000-000000000000",
  "date-time": "2026-01-01T00:00:00.000Z",
  date: "2026-01-01",
};

/** All properties where none is said to be required: an empty object would show nothing. */
function requiredOf(schema: Schema, root: unknown, depth: number): Record<string, unknown> {
  const properties = isSchema(schema.properties) ? schema.properties : {};
  const required = Array.isArray(schema.required) ? schema.required.map(String) : [];
  const names = required.length > 0 ? required : Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, sample(properties[name], root, depth + 1)]));
}
