/** Text with what its escape sequences say about its look; never markup. */
export interface AnsiPart {
  text: string;
  /** One of the eight colours of a terminal. */
  color?: AnsiColor;
  isBold?: boolean;
  isDim?: boolean;
}
const COLORS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
export type AnsiColor = (typeof COLORS)[number];

/** Control sequences, operating system commands (titles, links) and the other escapes, and lone control characters. */
// Control characters are what this is about.
const ESCAPES =
  /\u001b\[([0-9;:?]*)[ -/]*([@-~])|\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|\u001b[@-Z\\-_]|[\u0000-\u0008\u000b-\u001f\u007f\u0080-\u009f]/g;

/** Without any escape sequence. */
export function stripAnsi(text: string): string {
  return text.replace(ESCAPES, "");
}

/** Colours and weight become parts; all other sequences vanish. */
export function ansiParts(text: string): AnsiPart[] {
  const parts: AnsiPart[] = [];
  let look: Omit<AnsiPart, "text"> = {};
  let at = 0;
  for (const match of text.matchAll(ESCAPES)) {
    if (match.index > at) parts.push({ text: text.slice(at, match.index), ...look });
    at = match.index + match[0].length;
    if (match[2] === "m") look = restyled(look, match[1] ?? "");
  }
  if (at < text.length) parts.push({ text: text.slice(at), ...look });
  return parts;
}

function restyled(look: Omit<AnsiPart, "text">, codes: string): Omit<AnsiPart, "text"> {
  const list = codes.split(/[;:]/).map(Number);
  let next = { ...look };
  for (let index = 0; index < list.length; index++) {
    const code = list[index] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.isBold = true;
    else if (code === 2) next.isDim = true;
    else if (code === 22) next = without(next, "isBold", "isDim");
    else if (code === 39) next = without(next, "color");
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) next.color = COLORS[code % 10] ?? "white";
    // Colours by number or by parts are left out: their arguments are skipped.
    else if (code === 38 || code === 48) index += list[index + 1] === 2 ? 4 : 2;
  }
  return next;
}

function without<T extends object>(look: T, ...names: (keyof T)[]): T {
  return Object.fromEntries(Object.entries(look).filter(([name]) => !names.includes(name as keyof T))) as T;
}
