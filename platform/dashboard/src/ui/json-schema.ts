/**
 * As much of JSON Schema as an editor needs to help: types, properties, required, items, enum, const, $ref within the
 * document, anyOf/oneOf/allOf, and bounds. What it does not know it lets pass: the platform has the last word.
 */
type Schema = Record<string, unknown>;
type Path = readonly (string | number)[];

export interface SchemaComplaint {
  path: (string | number)[];
  message: string;
}

const MAX_DEPTH = 64;
const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** All complaints about a value, at most 50. */
export function checkAgainstSchema(value: unknown, schema: unknown): SchemaComplaint[] {
  const found: SchemaComplaint[] = [];
  check(value, schema, [], { root: schema, found, depth: 0 });
  return found.slice(0, 50);
}

interface Check {
  root: unknown;
  found: SchemaComplaint[];
  depth: number;
}

function check(value: unknown, given: unknown, path: Path, context: Check): void {
  const schema = resolve(given, context.root);
  if (!isObject(schema) || context.depth > MAX_DEPTH) return;
  const deeper = { ...context, depth: context.depth + 1 };
  const complain = (message: string) => context.found.push({ path: [...path], message });
  checkParts(value, schema, path, deeper);
  checkNamed(value, schema, complain);
  const types = listOf(schema.type).map(String);
  if (types.length > 0 && !types.some((type) => hasType(value, type))) {
    complain(`must be ${types.join(" or ")}, not ${typeName(value)}`);
    return;
  }
  if (typeof value === "number") checkNumber(value, schema, complain);
  if (typeof value === "string") checkString(value, schema, complain);
  if (Array.isArray(value)) checkArray(value, schema, path, deeper);
  else if (isObject(value)) checkObject(value, schema, path, deeper);
}

function checkParts(value: unknown, schema: Schema, path: Path, context: Check): void {
  for (const part of listOf(schema.allOf)) check(value, part, path, context);
  const choices = listOf(schema.anyOf ?? schema.oneOf);
  if (choices.length > 0) checkChoices(value, choices, path, context);
}

function checkNamed(value: unknown, schema: Schema, complain: (message: string) => void): void {
  if ("const" in schema && !isSame(value, schema.const)) complain(`must be ${JSON.stringify(schema.const)}`);
  const values = listOf(schema.enum);
  if (values.length > 0 && !values.some((each) => isSame(each, value)))
    complain(`must be one of ${values.map((each) => JSON.stringify(each)).join(", ")}`);
}

/** Complains as the choice that fits best does, where none fits. */
function checkChoices(value: unknown, choices: unknown[], path: Path, context: Check): void {
  let best: SchemaComplaint[] | undefined;
  for (const choice of choices) {
    const found: SchemaComplaint[] = [];
    check(value, choice, path, { ...context, found });
    if (found.length === 0) return;
    const depth = (list: SchemaComplaint[]) => Math.max(...list.map((each) => each.path.length));
    if (best === undefined || depth(found) > depth(best)) best = found;
  }
  context.found.push(...(best ?? []));
}

function checkNumber(value: number, schema: Schema, complain: (message: string) => void): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = schema;
  if (typeof minimum === "number" && value < minimum) complain(`must be at least ${minimum}`);
  if (typeof maximum === "number" && value > maximum) complain(`must be at most ${maximum}`);
  if (typeof exclusiveMinimum === "number" && value <= exclusiveMinimum)
    complain(`must be more than ${exclusiveMinimum}`);
  if (typeof exclusiveMaximum === "number" && value >= exclusiveMaximum)
    complain(`must be less than ${exclusiveMaximum}`);
}

function checkString(value: string, schema: Schema, complain: (message: string) => void): void {
  const { minLength, maxLength } = schema;
  if (typeof minLength === "number" && value.length < minLength) complain(`must have at least ${minLength} characters`);
  if (typeof maxLength === "number" && value.length > maxLength) complain(`must have at most ${maxLength} characters`);
}

function checkArray(value: unknown[], schema: Schema, path: Path, context: Check): void {
  const prefix = listOf(schema.prefixItems);
  value.forEach((item, index) => check(item, prefix[index] ?? schema.items, [...path, index], context));
  const { minItems, maxItems } = schema;
  const complain = (message: string) => context.found.push({ path: [...path], message });
  if (typeof minItems === "number" && value.length < minItems) complain(`must have at least ${minItems} items`);
  if (typeof maxItems === "number" && value.length > maxItems) complain(`must have at most ${maxItems} items`);
}

function checkObject(value: Schema, schema: Schema, path: Path, context: Check): void {
  const properties = isObject(schema.properties) ? schema.properties : {};
  const missing = listOf(schema.required).filter((name) => !Object.hasOwn(value, String(name)));
  for (const name of missing) context.found.push({ path: [...path], message: `lacks "${String(name)}"` });
  for (const [name, each] of Object.entries(value)) {
    const at = [...path, name];
    if (Object.hasOwn(properties, name)) check(each, properties[name], at, context);
    else if (schema.additionalProperties === false)
      context.found.push({ path: at, message: `"${name}" is not known here` });
    else check(each, schema.additionalProperties, at, context);
  }
}

/** The schema of what lies at a path; undefined where it says nothing about it. */
export function schemaAt(root: unknown, path: Path): unknown {
  let schema: unknown = root;
  for (const step of path) {
    const parts = flat(schema, root);
    schema = parts.map((part) => stepInto(part, step)).find((each) => each !== undefined);
    if (schema === undefined) return undefined;
  }
  return { ...asObject(resolve(schema, root)), $root: root };
}

function stepInto(part: Schema, step: string | number): unknown {
  if (typeof step === "number") return listOf(part.prefixItems)[step] ?? part.items;
  if (isObject(part.properties) && Object.hasOwn(part.properties, step)) return part.properties[step];
  return isObject(part.additionalProperties) ? part.additionalProperties : undefined;
}

export interface SchemaProperty {
  name: string;
  detail: string;
  info: string | undefined;
}

/** The properties that an object of this schema may have; required ones first. */
export function propertiesOf(schema: unknown): SchemaProperty[] {
  const root = asObject(schema).$root ?? schema;
  return flat(schema, root).flatMap((part) => {
    const required = new Set(listOf(part.required));
    const names = Object.entries(isObject(part.properties) ? part.properties : {});
    return names
      .map(([name, each]) => ({ name, isRequired: required.has(name), schema: asObject(resolve(each, root)) }))
      .toSorted((a, b) => Number(b.isRequired) - Number(a.isRequired))
      .map(({ name, isRequired, schema: each }) => ({
        name,
        detail: `${listOf(each.type).join(" | ") || "any"}${isRequired ? ", required" : ""}`,
        info: typeof each.description === "string" ? each.description : undefined,
      }));
  });
}

/** The values that a schema names: enum, const, booleans. */
export function valuesOf(schema: unknown): unknown[] {
  const root = asObject(schema).$root ?? schema;
  return flat(schema, root).flatMap((part) => [
    ...listOf(part.enum),
    ...("const" in part ? [part.const] : []),
    ...(listOf(part.type).includes("boolean") ? [true, false] : []),
  ]);
}

/** A schema and all its alternatives. */
function flat(schema: unknown, root: unknown, depth = 0): Schema[] {
  const resolved = resolve(schema, root);
  if (!isObject(resolved) || depth > 8) return [];
  const parts = [...listOf(resolved.anyOf), ...listOf(resolved.oneOf), ...listOf(resolved.allOf)];
  return [resolved, ...parts.flatMap((part) => flat(part, root, depth + 1))];
}

/** Follows `#/$defs/…`. */
function resolve(schema: unknown, root: unknown): unknown {
  let at = schema;
  for (let steps = 0; steps < 16 && isObject(at) && typeof at.$ref === "string"; steps++) {
    const names = at.$ref.replace(/^#\/?/, "").split("/").filter(Boolean);
    at = names.reduce<unknown>((from, name) => asObject(from)[name.replaceAll("~1", "/").replaceAll("~0", "~")], root);
  }
  return at;
}

const asObject = (value: unknown): Schema => (isObject(value) ? value : {});
const listOf = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat());
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
const typeName = (value: unknown) => (value === null ? "null" : Array.isArray(value) ? "array" : typeof value);

function hasType(value: unknown, type: string): boolean {
  if (type === "integer") return Number.isInteger(value);
  return typeName(value) === type;
}
