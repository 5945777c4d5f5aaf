import { expect, test } from "vitest";
import { batchProgress, progressWords } from "./batch-progress.ts";

test.each([
  [
    "a batch under way",
    40,
    { triggered: 32, live: 20, failed: 2, errors: 0 },
    { succeeded: 10, failed: 2, live: 20, pending: 8, share: 0.3, isDone: false },
    "12 of 40 ended, 2 failed, 20 to go, 8 not sent yet",
  ],
  [
    "one that is done",
    3,
    { triggered: 3, live: 0, failed: 0, errors: 0 },
    { succeeded: 3, failed: 0, share: 1, isDone: true },
    "3 of 3 ended",
  ],
  [
    "items that could not be triggered have failed",
    4,
    { triggered: 3, live: 0, failed: 0, errors: 1 },
    { succeeded: 3, failed: 1, pending: 0, share: 1, isDone: true },
    "4 of 4 ended, 1 failed",
  ],
  ["an empty one", 0, { triggered: 0, live: 0, failed: 0, errors: 0 }, { share: 1, isDone: true }, "0 of 0 ended"],
])("%s", (_title, runCount, counts, want, words) => {
  const progress = batchProgress(runCount, counts);
  expect(progress).toMatchObject(want);
  expect(progressWords(progress)).toBe(words);
});
