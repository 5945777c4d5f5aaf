import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";
import type { Diagnostic } from "@codemirror/lint";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";
import { checkAgainstSchema, propertiesOf, schemaAt, valuesOf } from "./json-schema.ts";

type Path = (string | number)[];

/** What JSON itself and the schema object to, at the place of the value that is wrong. */
export function schemaDiagnostics(state: EditorState, schema: unknown): Diagnostic[] {
  const text = state.doc.toString();
  if (text.trim() === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const at = errorPosition(state, error);
    return [{ from: at, to: Math.min(text.length, at + 1), severity: "error", message: (error as Error).message }];
  }
  if (schema === undefined) return [];
  return checkAgainstSchema(value, schema).map(({ path, message }) => {
    const node = nodeAt(state, path);
    return { from: node?.from ?? 0, to: node?.to ?? text.length, severity: "error", message };
  });
}

function errorPosition(state: EditorState, error: unknown): number {
  const said = /position (\d+)/.exec((error as Error).message)?.[1];
  if (said !== undefined) return Math.min(Number(said), Math.max(0, state.doc.length - 1));
  let at = Math.max(0, state.doc.length - 1);
  syntaxTree(state).iterate({
    enter: (node) => {
      if (node.type.isError) at = Math.min(at, node.from);
    },
  });
  return at;
}

/** Names of properties that the object at the cursor may have, and values that the property may take. */
export function schemaCompletion(schema: unknown) {
  return (context: CompletionContext): CompletionResult | null => {
    if (schema === undefined) return null;
    const node = syntaxTree(context.state).resolveInner(context.pos, -1);
    const isName = ["PropertyName", "{", "Object"].includes(node.name);
    if (!isName && node.name !== "String" && !context.explicit) return null;
    const isWithin = node.name === "PropertyName" || node.name === "String";
    const from = isWithin ? node.from : (context.matchBefore(/"?[\w$-]*$/)?.from ?? context.pos);
    const path = pathOf(context.state, node);
    const options = isName
      ? nameOptions(schema, node.name === "PropertyName" ? path.slice(0, -1) : path, isWithin)
      : valuesOf(schemaAt(schema, path)).map((value) => ({ label: JSON.stringify(value), type: "enum" }));
    return options.length === 0 ? null : { from, options };
  };
}

/** `isWithin`: the name is there in part, with its colon perhaps; only it is replaced. */
function nameOptions(schema: unknown, path: Path, isWithin: boolean): Completion[] {
  return propertiesOf(schemaAt(schema, path)).map(({ name, detail, info }) => ({
    label: JSON.stringify(name),
    apply: isWithin ? JSON.stringify(name) : `${JSON.stringify(name)}: `,
    type: "property",
    detail,
    ...(info === undefined ? {} : { info }),
  }));
}

/** The way from the document's root to a node, in names and indexes. */
function pathOf(state: EditorState, start: SyntaxNode): Path {
  const path: Path = [];
  for (let node: SyntaxNode | null = start; node !== null; node = node.parent) {
    if (node.name === "Property") path.unshift(nameOf(state, node));
    else if (node.parent?.name === "Array" && !/[[\],]/.test(node.name)) path.unshift(indexOf(node));
  }
  return path;
}

function nameOf(state: EditorState, property: SyntaxNode): string {
  const name = property.getChild("PropertyName");
  if (name === null) return "";
  try {
    return JSON.parse(state.sliceDoc(name.from, name.to)) as string;
  } catch {
    return state.sliceDoc(name.from, name.to).replaceAll('"', "");
  }
}

function indexOf(item: SyntaxNode): number {
  let index = 0;
  for (let before = item.prevSibling; before !== null; before = before.prevSibling)
    if (!/[[\],]/.test(before.name)) index += 1;
  return index;
}

function nodeAt(state: EditorState, path: Path): SyntaxNode | undefined {
  let node = syntaxTree(state).topNode.firstChild;
  for (const step of path) {
    if (node === null) return undefined;
    node = typeof step === "number" ? itemOf(node, step) : valueOf(state, node, step);
  }
  return node ?? undefined;
}

function itemOf(array: SyntaxNode, index: number): SyntaxNode | null {
  for (let node = array.firstChild; node !== null; node = node.nextSibling)
    if (!/[[\],]/.test(node.name) && indexOf(node) === index) return node;
  return null;
}

function valueOf(state: EditorState, object: SyntaxNode, name: string): SyntaxNode | null {
  for (const property of object.getChildren("Property"))
    if (nameOf(state, property) === name) return property.lastChild;
  return null;
}
