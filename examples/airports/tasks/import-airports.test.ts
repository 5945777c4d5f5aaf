import { runTask } from "@gantry/sdk/testing";
import { expect, test } from "vitest";
import { airportSchema } from "../airport.ts";
import { importAirports } from "./import-airports.ts";

test("the import is tried again after the country service was down, and counts every row", async () => {
  const result = await runTask(importAirports, { paceMs: 0 }, { retries: true });
  expect(result.error).toBeUndefined();
  expect(result.attempt).toBe(2);
  expect(result.metadata).toEqual({ phase: "done", progress: { rowsDone: 3376, percent: 100 } });
  expect(result.output).toMatchObject({
    count: 3376,
    byCountry: { US: 3372, TH: 1 },
    topStates: [
      { state: "AK", airports: 263 },
      { state: "TX", airports: 209 },
      { state: "CA", airports: 205 },
      { state: "OK", airports: 102 },
      { state: "FL", airports: 100 },
    ],
    withoutState: 12,
    northernmost: "Wiley Post Will Rogers Memorial (BRW, Barrow, AK)",
  });
});

test("without a second attempt the failure says what was down", async () => {
  const result = await runTask(importAirports, { paceMs: 0 });
  expect(result.error?.message).toBe("The country service answered 503.");
});

const row = {
  iata: "BRW",
  name: "Wiley Post",
  city: "Barrow",
  state: "AK",
  country: "USA",
  latitude: "71.3",
  longitude: "-156.8",
};
const WRONG: Record<string, object> = {
  "a latitude beyond the pole": { latitude: "90.1" },
  "no longitude": { longitude: "" },
  "a code with a space": { iata: "B W" },
  "a state of three letters": { state: "ALA" },
  "no name": { name: "" },
};

test.each(Object.entries(WRONG))("a row with %s is refused", (_title, change) => {
  expect(airportSchema.safeParse(row).success).toBe(true);
  expect(airportSchema.safeParse({ ...row, ...change }).success).toBe(false);
});
