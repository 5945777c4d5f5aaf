import { expect, test } from "vitest";
import { didYouMean } from "./did-you-mean.ts";

const cases: Record<string, { name: string; want: string | undefined }> = {
  "a letter too few": { name: "idempotencyKe", want: "idempotencyKey" },
  "two letters swapped": { name: "dealy", want: "delay" },
  "another case": { name: "MaxAttempts", want: "maxAttempts" },
  "something else altogether is not guessed at": { name: "colour", want: undefined },
  "an empty name is not guessed at": { name: "", want: undefined },
};
test.each(Object.entries(cases))("%s", (_title, { name, want }) => {
  expect(didYouMean(name, ["delay", "idempotencyKey", "maxAttempts", "tags"])).toBe(want);
});
