import { type ParseResult, parse } from "@babel/parser";
import type * as Ast from "@babel/types";

/** Something that a person has to do, with its place where it has one. */
export interface Finding {
  /** Relative to the project, with forward slashes. */
  file: string;
  /** From 1. */
  line: number | undefined;
  why: string;
}

export interface SourceFile {
  file: string;
  text: string;
  ast: ParseResult<Ast.File>;
}

/** Parses TypeScript, JSX and JavaScript alike. Error: the parser's, for code that is neither. */
export function parseSource(file: string, text: string): SourceFile {
  const isJsx = file.endsWith("x") || /\.[cm]?js$/.test(file);
  const plugins = ["typescript", "decorators-legacy", ...(isJsx ? ["jsx"] : [])] as never;
  const ast = parse(text, {
    sourceType: "unambiguous",
    errorRecovery: true,
    allowReturnOutsideFunction: true,
    plugins,
  });
  return { file, text, ast };
}

export interface ModuleUse {
  /** The module's name as written, and where the quoted text is. */
  module: string;
  start: number;
  end: number;
  line: number;
  /** Names it brings in by themselves; empty for `import *`, `require` and `import()`. */
  names: { imported: string; isType: boolean; line: number }[];
}

/** Every static import, re-export, `import()` and `require()` of a module with a literal name. */
export function moduleUses({ ast }: SourceFile): ModuleUse[] {
  const uses: ModuleUse[] = [];
  visit(ast.program, (node) => {
    const literal = moduleOf(node);
    if (literal === undefined) return;
    const { value: module, start, end, loc } = literal;
    uses.push({ module, start: start ?? 0, end: end ?? 0, line: loc?.start.line ?? 1, names: namesOf(node) });
  });
  return uses;
}

function moduleOf(node: Ast.Node): Ast.StringLiteral | undefined {
  if (node.type === "ImportDeclaration" || node.type === "ExportAllDeclaration") return node.source;
  if (node.type === "ExportNamedDeclaration") return node.source ?? undefined;
  if (node.type === "ImportExpression") return node.source.type === "StringLiteral" ? node.source : undefined;
  if (node.type !== "CallExpression") return undefined;
  const [first] = node.arguments;
  const isRequire = node.callee.type === "Identifier" && node.callee.name === "require";
  return isRequire && first?.type === "StringLiteral" ? first : undefined;
}

function namesOf(node: Ast.Node): ModuleUse["names"] {
  if (node.type !== "ImportDeclaration") return [];
  return node.specifiers.flatMap((specifier) => {
    if (specifier.type !== "ImportSpecifier") return [];
    const { imported, importKind, loc } = specifier;
    return {
      imported: imported.type === "Identifier" ? imported.name : imported.value,
      isType: node.importKind === "type" || importKind === "type",
      line: loc?.start.line ?? 1,
    };
  });
}

/** Calls `look` for every node of the tree. */
export function visit(node: Ast.Node, look: (node: Ast.Node) => void): void {
  look(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof (child as Ast.Node | null)?.type === "string" && "start" in (child as object)) visit(child, look);
    }
  }
}
