import type { Airport } from "./airport.ts";

export interface Summary {
  count: number;
  /** Airports by ISO code of their country. */
  byCountry: Record<string, number>;
  /** The five states with the most airports, most first. */
  topStates: { state: string; airports: number }[];
  withoutState: number;
  northernmost: string;
  southernmost: string;
  /** Degrees. */
  boundingBox: { north: number; south: number; east: number; west: number };
}

/** Sums up airports; there must be at least one. `codes` maps country names to ISO codes. */
export function summarize(airports: Airport[], codes: Record<string, string>): Summary {
  const north = extreme(airports, (a, b) => a.latitude > b.latitude);
  const south = extreme(airports, (a, b) => a.latitude < b.latitude);
  const states = tally(airports.flatMap(({ state }) => (state === null ? [] : [state])));
  return {
    count: airports.length,
    byCountry: Object.fromEntries(tally(airports.map(({ country }) => codes[country] ?? country))),
    topStates: states.slice(0, 5).map(([state, count]) => ({ state, airports: count })),
    withoutState: airports.filter(({ state }) => state === null).length,
    northernmost: label(north),
    southernmost: label(south),
    boundingBox: {
      north: north.latitude,
      south: south.latitude,
      east: extreme(airports, (a, b) => a.longitude > b.longitude).longitude,
      west: extreme(airports, (a, b) => a.longitude < b.longitude).longitude,
    },
  };
}

function extreme(airports: Airport[], isBetter: (a: Airport, b: Airport) => boolean): Airport {
  return airports.reduce((best, airport) => (isBetter(airport, best) ? airport : best));
}

/** Values with their counts, most first, equal counts by name. */
function tally(values: string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1));
}

function label({ iata, name, city, state }: Airport): string {
  return `${name} (${[iata, city, state].filter(Boolean).join(", ")})`;
}
