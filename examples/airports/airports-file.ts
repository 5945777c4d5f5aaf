import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { parse } from "csv-parse";

/** The file that the npm package vega-datasets carries: 3,376 airports. */
export const AIRPORTS_ROWS = 3376;

function airportsFile(): string {
  const entry = createRequire(import.meta.url).resolve("vega-datasets");
  return join(entry, "../../data/airports.csv");
}

/** The rows of the file as they are, in chunks, with the line each stands on. */
export async function* readAirports(chunkSize: number): AsyncGenerator<{ line: number; row: unknown }[]> {
  let chunk: { line: number; row: unknown }[] = [];
  const rows = createReadStream(airportsFile()).pipe(parse({ columns: true, info: true }));
  for await (const { info, record } of rows as AsyncIterable<{ info: { lines: number }; record: unknown }>) {
    chunk.push({ line: info.lines, row: record });
    if (chunk.length < chunkSize) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}
