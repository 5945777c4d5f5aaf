import { beforeEach, expect, test } from "vitest";
import { Announcements } from "./announcements.ts";

let woken: number[];
let announcements: Announcements;
beforeEach(() => {
  woken = [];
  announcements = new Announcements((environmentId) => woken.push(environmentId));
});

const lane = (laneId: string, orderAt?: string, environmentId = 1) => ({ environmentId, laneId, orderAt });
const early = "2030-01-01 00:00:00+00";
const late = "2030-01-01 00:00:00.5+00";

test("wakes the environment of each lane, and passes over what there is nothing to say of", () => {
  announcements.announce([lane("1"), undefined, lane("2", early, 2)]);
  expect(woken).toEqual([1, 2]);
});

test("gives what was announced once, by environment", () => {
  announcements.announce([lane("1", early), lane("2", early, 2)]);
  expect(announcements.take(1, 10)).toEqual([lane("1", early)]);
  expect(announcements.take(1, 10)).toEqual([]);
  expect(announcements.has(2)).toBe(true);
});

test("gives no more than asked and keeps the rest", () => {
  announcements.announce(["1", "2", "3"].map((id) => lane(id, early)));
  expect(announcements.take(1, 2)).toHaveLength(2);
  expect(announcements.has(1)).toBe(true);
  expect(announcements.take(1, 2)).toHaveLength(1);
  expect(announcements.has(1)).toBe(false);
});

test.each(
  Object.entries({
    "a lane announced twice is looked at from its earliest run on": { told: [late, early], want: early },
    "whichever came first": { told: [early, late], want: early },
    "a freed slot does not hide a run": { told: [early, undefined], want: early },
    "a run is added to a freed slot": { told: [undefined, late], want: late },
  }),
)("%s", (_sentence, { told, want }) => {
  for (const orderAt of told) announcements.announce([lane("1", orderAt)]);
  expect(announcements.take(1, 10)).toEqual([lane("1", want)]);
});

test("what is put back is there again, wakes nobody, and yields to what came meanwhile", () => {
  announcements.announce([lane("1", late)]);
  const taken = announcements.take(1, 10);
  announcements.announce([lane("1", early)]);
  announcements.putBack(taken);
  expect(woken).toEqual([1, 1]);
  expect(announcements.take(1, 10)).toEqual([lane("1", early)]);
});
