import { z } from "zod";

/** The file writes NA where it does not know. */
const orNull = z.string().transform((text) => (text === "NA" || text === "" ? null : text));
const degrees = (limit: number) => z.string().min(1).transform(Number).pipe(z.number().min(-limit).max(limit));

/** One row of airports.csv: everything arrives as text. */
export const airportSchema = z.object({
  iata: z.string().regex(/^[0-9A-Z]{3,4}$/),
  name: z.string().min(1),
  city: orNull,
  /** Two letters; null outside the United States. */
  state: orNull.pipe(z.string().length(2).nullable()),
  country: z.string().min(1),
  latitude: degrees(90),
  longitude: degrees(180),
});
export type Airport = z.infer<typeof airportSchema>;
