import { expect, test } from "vitest";
import { nextVersion } from "./version-policy.ts";

const now = new Date("2030-05-06T23:59:59.999Z");

test.each(
  Object.entries({
    "the first of an environment is number 1 of its day": { latest: undefined, want: "20300506.1" },
    "the next of a day counts on": { latest: "20300506.1", want: "20300506.2" },
    "numbers are not letters": { latest: "20300506.9", want: "20300506.10" },
    "a new day begins at 1": { latest: "20300505.41", want: "20300506.1" },
    "a clock that stepped back over midnight begins its day anew": { latest: "20300507.3", want: "20300506.1" },
  }),
)("%s", (_sentence, { latest, want }) => {
  expect(nextVersion(now, latest)).toBe(want);
});
