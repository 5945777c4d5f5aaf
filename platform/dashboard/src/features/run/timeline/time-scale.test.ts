import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  growingEnd,
  instantAt,
  linearScale,
  panned,
  placeOf,
  shortenedScale,
  ticksOf,
  WHOLE,
  zoomed,
} from "./time-scale.ts";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

test("an axis that grows moves seldom: its end is ahead of now, and never goes back", () => {
  const ends = Array.from({ length: 600 }, (_, second) => growingEnd(0, second * 1000));
  expect(ends.every((end, second) => end > second * 1000)).toBe(true);
  expect(ends.toSorted((a, b) => a - b)).toEqual(ends);
  expect(new Set(ends).size).toBeLessThan(35);
});

describe("a scale", () => {
  test("leads to a place and back, whatever is shortened and in sight", () => {
    const busy = fc.array(fc.tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 100 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(
        busy,
        fc.integer({ min: 0, max: 1000 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (used, ms, factor) => {
          const scale = shortenedScale(
            0,
            1000,
            used.map(([from, length]) => [from, from + length] as const),
          );
          const view = zoomed(WHOLE, factor, 0.3);
          expect(instantAt(scale, placeOf(scale, ms, view), view)).toBeCloseTo(ms, 5);
          expect(placeOf(scale, 1000)).toBeCloseTo(1, 9);
        },
      ),
    );
  });

  test("three days of waiting leave room for the seconds around them", () => {
    const scale = shortenedScale(0, 3 * DAY + 2000, [
      [0, 1000],
      [3 * DAY + 1000, 3 * DAY + 2000],
    ]);
    expect(placeOf(scale, 1000)).toBeCloseTo(0.47);
    expect(placeOf(scale, 3 * DAY + 1000)).toBeCloseTo(0.53);
    expect(placeOf(linearScale(0, 3 * DAY + 2000), 1000)).toBeLessThan(0.001);
  });

  test("nothing is shortened where all is idle, or all is busy", () => {
    expect(shortenedScale(0, 1000, []).pieces).toHaveLength(1);
    expect(shortenedScale(0, 1000, [[0, 1000]]).pieces).toHaveLength(1);
  });
});

describe("ticks", () => {
  const cases: Record<string, { endMs: number; view?: { from: number; to: number }; want: number[] }> = {
    "of half a second are round milliseconds": { endMs: 500, want: [0, 100, 200, 300, 400, 500] },
    "of minutes are round minutes": { endMs: 10 * MINUTE, want: [0, 2, 4, 6, 8, 10].map((n) => n * MINUTE) },
    "are those in sight": {
      endMs: 100_000,
      view: { from: 0.5, to: 0.6 },
      want: [50_000, 52_000, 54_000, 56_000, 58_000, 60_000],
    },
  };
  test.each(Object.entries(cases))("%s", (_, { endMs, view = WHOLE, want }) => {
    expect(ticksOf(linearScale(0, endMs), view, 5).map(({ offsetMs }) => offsetMs)).toEqual(want);
  });

  test("are never more than can be read, however it is zoomed", () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-4, max: 1, noNaN: true }),
        fc.integer({ min: 1, max: 40 * DAY }),
        (factor, endMs) => {
          expect(ticksOf(linearScale(0, endMs), zoomed(WHOLE, factor), 8).length).toBeLessThanOrEqual(17);
        },
      ),
    );
  });
});

test("zooming keeps the place it was asked at, panning stops at the ends", () => {
  expect(zoomed(WHOLE, 0.5, 0)).toEqual({ from: 0, to: 0.5 });
  expect(zoomed({ from: 0.4, to: 0.6 }, 100)).toEqual(WHOLE);
  expect(panned({ from: 0.5, to: 0.75 }, 4)).toEqual({ from: 0.75, to: 1 });
});
