/**
 * Reads schema.prisma as far as a database can be compared with it: one line per enum, column and index. The text is
 * Prisma's own language, whose blocks and fields stand on lines of their own.
 */
const SCALARS: Record<string, string> = {
  String: "text",
  Int: "integer",
  BigInt: "bigint",
  Boolean: "boolean",
  DateTime: "timestamptz",
  Json: "jsonb",
  Bytes: "bytea",
  Float: "double precision",
};
const NATIVE: Record<string, string> = {
  Uuid: "uuid",
  SmallInt: "smallint",
  BigInt: "bigint",
  Timestamptz: "timestamptz",
  Text: "text",
  Date: "date",
};

export interface DatabaseShape {
  /** `name: label, label` */
  enums: string[];
  /** `table.column type null|not null default …` */
  columns: string[];
  /** `table primary|unique|index (column, column)` */
  indexes: string[];
}

interface Block {
  kind: string;
  name: string;
  lines: string[];
}

interface Field {
  name: string;
  column: string;
  type: string;
  isList: boolean;
  isOptional: boolean;
  attributes: string;
}

export function readDatamodel(schema: string): DatabaseShape {
  const blocks = readBlocks(schema);
  const enumNames = new Map(
    blocks.filter(({ kind }) => kind === "enum").map((block) => [block.name, mappedName(block)]),
  );
  const models = blocks.filter(({ kind }) => kind === "model");
  const shape: DatabaseShape = { enums: [], columns: [], indexes: [] };
  for (const block of blocks)
    if (block.kind === "enum") shape.enums.push(`${mappedName(block)}: ${enumLabels(block).join(", ")}`);
  for (const model of models) readModel(model, enumNames, new Set(models.map(({ name }) => name)), shape);
  return { enums: shape.enums.sort(), columns: shape.columns.sort(), indexes: shape.indexes.sort() };
}

function readBlocks(schema: string): Block[] {
  const withoutComments = schema.replaceAll(/^\s*\/\/.*$/gm, "").replaceAll(/\s\/\/[^"\n]*$/gm, "");
  return [...withoutComments.matchAll(/^(model|enum)\s+(\w+)\s*\{([^}]*(?:"[^"]*"[^}]*)*?)^\}/gm)].map(
    ([, kind, name, body]) => ({
      kind: kind as string,
      name: name as string,
      lines: (body as string)
        .split("\n")
        .map((line) => line.trim())
        .filter(Boolean),
    }),
  );
}

function mappedName(block: Block): string {
  return /^@@map\("(.+)"\)$/m.exec(block.lines.join("\n"))?.[1] ?? block.name;
}

function enumLabels(block: Block): string[] {
  return block.lines
    .filter((line) => !line.startsWith("@@"))
    .map((line) => /@map\("(.+)"\)/.exec(line)?.[1] ?? (line.split(/\s/)[0] as string));
}

function readModel(model: Block, enums: Map<string, string>, models: Set<string>, shape: DatabaseShape): void {
  const table = mappedName(model);
  const fields = model.lines
    .filter((line) => !line.startsWith("@@"))
    .map(readField)
    .filter(({ type }) => !models.has(type));
  const columnOf = new Map(fields.map(({ name, column }) => [name, column]));
  for (const field of fields) {
    shape.columns.push(
      `${table}.${field.column} ${columnType(field, enums)} ${field.isOptional ? "null" : "not null"}${columnDefault(field)}`,
    );
    if (/@id\b/.test(field.attributes)) shape.indexes.push(`${table} primary (${field.column})`);
    if (/@unique\b/.test(field.attributes)) shape.indexes.push(`${table} unique (${field.column})`);
  }
  const kinds: Record<string, string> = { id: "primary", unique: "unique", index: "index" };
  for (const line of model.lines) {
    const [, kind, names] = /^@@(id|unique|index)\(\[([^\]]*)\]/.exec(line) ?? [];
    if (kind && names)
      shape.indexes.push(
        `${table} ${kinds[kind]} (${names
          .split(",")
          .map((name) => columnOf.get(name.trim()))
          .join(", ")})`,
      );
  }
}

function readField(line: string): Field {
  const [, name, type, list, optional, attributes] = /^(\w+)\s+(\w+)(\[\])?(\?)?\s*(.*)$/.exec(line) ?? [];
  if (!name || !type || attributes === undefined) throw new Error(`schema.prisma has a line that is no field: ${line}`);
  const column = /@map\("(.+?)"\)/.exec(attributes)?.[1] ?? name;
  return { name, column, type, isList: list !== undefined, isOptional: optional !== undefined, attributes };
}

function columnType({ type, isList, attributes }: Field, enums: Map<string, string>): string {
  const native = /@db\.(\w+)/.exec(attributes)?.[1];
  const base = native ? NATIVE[native] : (SCALARS[type] ?? enums.get(type));
  if (!base) throw new Error(`no column type is known for ${type} ${attributes}`);
  return isList ? `${base}[]` : base;
}

/** As ` default x`, in the form of `plainDefault`. */
function columnDefault({ attributes, isList }: Field): string {
  const [, text] = /@default\(((?:"[^"]*"|\([^)]*\)|[^()"])*)\)/.exec(attributes) ?? [];
  if (text === undefined) return "";
  if (text === "autoincrement()") return " default identity";
  if (isList && text === "[]") return " default {}";
  const generated = /^dbgenerated\("(.*)"\)$/.exec(text)?.[1];
  return ` default ${plainDefault(generated ?? text.replaceAll(/^"|"$/g, ""))}`;
}

/** A default without casts and quotes: `'x'::text` is `x`. */
export function plainDefault(expression: string): string {
  return expression.replaceAll(/::[a-z_ ]+(\[\])?/g, "").replaceAll("'", "");
}
