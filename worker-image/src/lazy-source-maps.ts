import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/**
 * Stacks that point into the user's sources, at no cost until one is read.
 *
 * `node --enable-source-maps` reads and parses each map when its module is loaded: 20 ms of the 80 that a process with a
 * bundle of 800 KB takes to boot, for every run. Here the map is read when the first stack that needs it is.
 */
const maps = new Map<string, SourceMap | undefined>();

export function installLazySourceMaps(): void {
  Error.prepareStackTrace = (error, callSites) => {
    const frames = callSites.map((site) => `\n    at ${describe(site)}`);
    return `${header(error)}${frames.join("")}`;
  };
}

function header(error: Error): string {
  try {
    return String(error);
  } catch {
    return "Error";
  }
}

/** V8's own words for the frame, its position replaced by the one in the source. */
function describe(site: NodeJS.CallSite): string {
  const text = String(site);
  const file = site.getFileName() ?? site.getScriptNameOrSourceURL?.();
  const line = site.getLineNumber();
  const column = site.getColumnNumber();
  if (!file || file.startsWith("node:") || line === null || column === null) return text;
  const entry = mapOf(file)?.findEntry(line - 1, column - 1);
  if (!entry || !("originalSource" in entry) || entry.originalSource === undefined) return text;
  const position = `${sourcePath(entry.originalSource)}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  return text.replace(`${file}:${line}:${column}`, () => position);
}

function sourcePath(source: string): string {
  try {
    return source.startsWith("file:") ? fileURLToPath(source) : source;
  } catch {
    return source;
  }
}

function mapOf(file: string): SourceMap | undefined {
  if (!maps.has(file)) maps.set(file, readMap(file));
  return maps.get(file);
}

function readMap(file: string): SourceMap | undefined {
  try {
    const path = file.startsWith("file:") ? fileURLToPath(file) : file;
    const url = /\n\/\/# sourceMappingURL=(\S+)\s*$/.exec(readFileSync(path, "utf8"))?.[1];
    return url === undefined ? undefined : new SourceMap(readPayload(url, path));
  } catch {
    // A map that is not there or not readable: the stack stays as V8 gives it.
    return undefined;
  }
}

/** The map's sources as absolute file URLs: they are relative to the map. */
function readPayload(url: string, path: string): SourceMapPayload {
  const inline = /^data:application\/json[^,]*?(;base64)?,(.*)$/s.exec(url);
  const mapPath = resolve(dirname(path), inline ? "" : decodeURIComponent(url));
  const text = inline
    ? Buffer.from(decodeURIComponent(inline[2] as string), inline[1] ? "base64" : "utf8").toString()
    : readFileSync(mapPath, "utf8");
  const payload = JSON.parse(text) as SourceMapPayload;
  const root = inline ? dirname(path) : dirname(mapPath);
  const sources = payload.sources.map((source) => absolute(root, payload.sourceRoot ?? "", source));
  return { ...payload, sourceRoot: "", sources };
}

function absolute(root: string, sourceRoot: string, source: string): string {
  if (/^[a-z][a-z0-9+.-]+:/i.test(source)) return source;
  return pathToFileURL(resolve(root, sourceRoot, source)).href;
}
