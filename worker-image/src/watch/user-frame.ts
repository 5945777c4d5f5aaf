import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Frames looked at: a call of the user's may lie below a deep client. */
const DEPTH = 60;

export interface UserFrame {
  /** `welcome.ts:14`. */
  line: string;
  /** `emails.send`, where it is known. */
  call?: string;
}

/** The stack of here, its positions those of the sources (lazy-source-maps.ts); empty where user code replaced what makes it. */
export function captureStack(depth = DEPTH): string {
  return stackOf(markPlace(depth));
}

/** Remembers where this is, for 5 µs; reading it costs more: `stackOf`. */
export function markPlace(depth: number): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const place = new Error();
  Error.stackTraceLimit = limit;
  return place;
}

export function stackOf(place: Error): string {
  try {
    const { stack } = place;
    return typeof stack === "string" ? stack : "";
  } catch {
    // What the user put in place to format stacks failed.
    return "";
  }
}

const FRAME = /^\s+at (?:(.*) \()?((?:file:|\/|[A-Za-z]:\\).*?):(\d+):(\d+)\)?$/;

/** The innermost frame of the user's own: not Node's, not a package's, not ours. */
export function findUserFrame(stack: string): UserFrame | undefined {
  let callee: string | undefined;
  for (const text of stack.split("\n")) {
    const match = FRAME.exec(text);
    const path = match ? pathOf(match[2] as string) : undefined;
    if (match && path !== undefined && isUsers(path)) {
      const line = Number(match[3]);
      const call = callAt(path, line, Number(match[4]) - 1) ?? callee;
      return { line: `${shortName(path)}:${line}`, ...(call === undefined ? {} : { call }) };
    }
    // Between ours and the user's: what the user called comes last.
    if (path === undefined || !isOurs(path)) callee = calleeOf(text) ?? callee;
  }
  return undefined;
}

/** Whether the caller of Node, or of ours, is the user's own code and no package's. */
export function isMadeByUser(stack: string): boolean {
  for (const text of stack.split("\n")) {
    const place = FRAME.exec(text)?.[2];
    const path = place === undefined ? undefined : pathOf(place);
    if (path !== undefined && !isOurs(path)) return isUsers(path);
  }
  return false;
}

function pathOf(place: string): string | undefined {
  if (!place.startsWith("file:")) return place;
  try {
    return fileURLToPath(place);
  } catch {
    return undefined;
  }
}

/** `at async Resend.send (…)` → `Resend.send`. */
function calleeOf(text: string): string | undefined {
  const name = /^\s+at (?:async |new )*([\w$.]+)(?: \[as ([\w$]+)\])? \(/.exec(text);
  if (!name) return undefined;
  return (name[1] as string).replace(/^(Object|Module|exports)\./, "");
}

function isUsers(path: string): boolean {
  return !path.includes(`${sep}node_modules${sep}`) && !isOurs(path);
}

let ours: string[] | undefined;

function isOurs(path: string): boolean {
  // In an image all of ours is one file, in a folder of its own below the root.
  ours ??= [import.meta.dirname + sep, dirname(import.meta.dirname) + sep, ...sdkFolder()];
  return ours.some((folder) => path.startsWith(folder));
}

/** Where the SDK is linked from outside of node_modules, as in its own repository. */
function sdkFolder(): string[] {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve("@gantry/sdk/package.json"));
    return [join(folder, "src") + sep, join(folder, "dist") + sep];
  } catch {
    return [];
  }
}

function shortName(path: string): string {
  const name = basename(path);
  return /^index\.\w+$/.test(name) ? `${basename(dirname(path))}/${name}` : name;
}

/** What is called at that place of the source, if it is there to be read. */
export function callAt(path: string, line: number, column: number): string | undefined {
  try {
    return callIn(readFileSync(path, "utf8").split("\n")[line - 1] ?? "", column);
  } catch {
    return undefined;
  }
}

/** `  await emails.send({` at the column of `send`, of `emails` or of `await` → `emails.send`. */
export function callIn(text: string, column: number): string | undefined {
  const names = [...text.matchAll(/(?:\bnew )?([A-Za-z_$][\w$]*(?:\??\.#?[A-Za-z_$][\w$]*)*)\s*(\(|<|`)?/g)];
  const at = names.findIndex((match) => match.index <= column && column < match.index + match[0].length);
  const found = names.slice(Math.max(at, 0)).find((match) => match[2] !== undefined);
  if (at < 0 || !found) return undefined;
  const isAwaited = names[at]?.[1] === "await" || names[at] === found;
  return isAwaited ? found[1] : undefined;
}
