import { runTask } from "@gantry/sdk/testing";
import { expect, test } from "vitest";
import { publish } from "./publish.ts";

const ANSWERS: Record<string, { answer: { output: unknown } | undefined; want: object }> = {
  "is published once somebody has approved": {
    answer: { output: { approved: true, by: "Ada" } },
    want: { published: true, address: "https://example.com/we-are-hiring", approvedBy: "Ada" },
  },
  "is not where somebody said no": {
    answer: { output: { approved: false, by: "Bo" } },
    want: { published: false, because: "Bo said no" },
  },
  "is not where nobody answered within a week": {
    answer: undefined,
    want: { published: false, because: "nobody answered" },
  },
};

test.each(Object.entries(ANSWERS))("an article %s", async (_title, { answer, want }) => {
  const result = await runTask(publish, { title: "We are hiring" }, { replay: true, onWait: () => answer });
  expect(result.error).toBeUndefined();
  expect(result.output).toEqual(want);
  expect(result.waits).toMatchObject([{ kind: "token", timeoutMs: 7 * 86_400_000 }]);
  expect(result.logs.filter(({ message }) => message.startsWith("May"))).toHaveLength(1);
});
