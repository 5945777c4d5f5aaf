import { setTimeout as pause } from "node:timers/promises";
import { logger, metadata, schemaTask } from "@gantry/sdk";
import { z } from "zod";
import { type Airport, airportSchema } from "../airport.ts";
import { AIRPORTS_ROWS, readAirports } from "../airports-file.ts";
import { fetchCountryCodes, startCountryService } from "../country-codes.ts";
import { type Summary, summarize } from "../summary.ts";

const CHUNK = 211;

/**
 * Imports airports.csv: checks every row, tells how far it is, and returns a summary.
 *
 * The service it asks for country codes is down during the first attempt, so that a retry can be seen.
 */
export const importAirports = schemaTask({
  id: "import-airports",
  schema: z.object({
    /** Milliseconds to pause after each chunk, so that a person can watch. */
    paceMs: z.number().int().min(0).max(1000).default(0),
  }),
  run: async ({ paceMs }, { ctx, signal }): Promise<Summary> => {
    metadata.set("phase", "country codes");
    const codes = await countryCodes(ctx.attempt.number === 1, signal);
    metadata.set("phase", "rows");
    const airports: Airport[] = [];
    for await (const chunk of readAirports(CHUNK)) {
      for (const { line, row } of chunk) airports.push(checked(line, row));
      const percent = Math.round((100 * airports.length) / AIRPORTS_ROWS);
      metadata.set("progress", { rowsDone: airports.length, percent });
      await pause(paceMs, undefined, { signal });
    }
    metadata.set("phase", "done");
    logger.info("All rows are valid", { rows: airports.length });
    return summarize(airports, codes);
  },
});

async function countryCodes(isDown: boolean, signal: AbortSignal): Promise<Record<string, string>> {
  const service = await startCountryService(isDown);
  try {
    return await fetchCountryCodes(service.url, signal);
  } finally {
    await service.close();
  }
}

/** Error: names the line and every field that is wrong. */
function checked(line: number, row: unknown): Airport {
  const { success, data, error } = airportSchema.safeParse(row);
  if (!success) throw new Error(`Line ${line} of airports.csv is not an airport:\n${z.prettifyError(error)}`);
  return data;
}
