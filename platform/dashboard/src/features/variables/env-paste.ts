import { VARIABLE_LIMITS } from "@gantry/sdk/contract";

/** A pasted .env file, read as dotenv reads it. */
export interface PastedVariable {
  name: string;
  value: string;
  /** 1 is the first line. */
  line: number;
}
export interface PasteProblem {
  line: number;
  message: string;
}
export interface EnvPaste {
  /** The last of a name wins, as in a shell. */
  variables: PastedVariable[];
  problems: PasteProblem[];
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const RESERVED = /^GANTRY_(PLATFORM|WORKER)_/;
const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t" };

export function readEnvPaste(text: string): EnvPaste {
  const variables = new Map<string, PastedVariable>();
  const problems: PasteProblem[] = [];
  const lines = text.replaceAll(/\r\n?/g, "\n").split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = index + 1;
    const written = (lines[index] ?? "").trim();
    if (written === "" || written.startsWith("#")) continue;
    const [, name, rest] = /^(?:export\s+)?([^=\s]+)\s*=\s*(.*)$/s.exec(written) ?? [];
    if (name === undefined || rest === undefined) {
      problems.push({ line, message: `"${written.slice(0, 40)}" is not NAME=value` });
      continue;
    }
    const problem = nameProblem(name);
    const read = readValue(rest, lines, index);
    index = read.lastLine;
    if (problem !== undefined) problems.push({ line, message: problem });
    else if (read.value === undefined) problems.push({ line, message: `The quote of ${name} is never closed` });
    else {
      variables.delete(name);
      variables.set(name, { name, value: read.value, line });
    }
  }
  return { variables: [...variables.values()], problems };
}

/** What is wrong with a variable's name, as a sentence; undefined where nothing is. */
export function nameProblem(name: string): string | undefined {
  if (!NAME.test(name)) return `"${name.slice(0, 40)}": a name has letters, digits and underscores, no digit first`;
  if (RESERVED.test(name)) return `${name}: names that begin so are Gantry's own`;
  if (name.length > VARIABLE_LIMITS.nameCharacters)
    return `The name is longer than ${VARIABLE_LIMITS.nameCharacters} characters`;
  return undefined;
}

/** A quoted value may go on over lines; an open quote has no value. */
function readValue(
  rest: string,
  lines: readonly string[],
  index: number,
): { value: string | undefined; lastLine: number } {
  const quote = rest.charAt(0);
  if (quote !== '"' && quote !== "'" && quote !== "`") {
    return { value: rest.replace(/\s+#.*$/, "").trim(), lastLine: index };
  }
  let body = rest.slice(1);
  for (let line = index; ; body += `\n${lines[++line] ?? ""}`) {
    const end = closingQuote(body, quote);
    if (end >= 0) {
      const inner = body.slice(0, end);
      return { value: quote === '"' ? unescape(inner) : inner, lastLine: line };
    }
    if (line + 1 >= lines.length) return { value: undefined, lastLine: index };
  }
}

function closingQuote(body: string, quote: string): number {
  for (let at = 0; at < body.length; at++) {
    if (body[at] === "\\" && quote === '"') at++;
    else if (body[at] === quote) return at;
  }
  return -1;
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_whole, character: string) => ESCAPES[character] ?? character);
}

/** What an import would do to each variable of a paste. */
export type ImportEffect = "new" | "changes" | "replaces" | "same" | "stays";

/**
 * `known` are the values in the environment, undefined where they are not shown (secrets, or a viewer's). Without `override`
 * what is there stays as it is.
 */
export function importEffects(
  variables: readonly PastedVariable[],
  known: ReadonlyMap<string, string | undefined>,
  override: boolean,
): (PastedVariable & { effect: ImportEffect })[] {
  return variables.map((variable) => ({ ...variable, effect: effectOf(variable, known, override) }));
}

function effectOf(
  { name, value }: PastedVariable,
  known: ReadonlyMap<string, string | undefined>,
  override: boolean,
): ImportEffect {
  if (!known.has(name)) return "new";
  if (known.get(name) === value) return "same";
  if (!override) return "stays";
  return known.get(name) === undefined ? "replaces" : "changes";
}
