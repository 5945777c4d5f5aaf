import { runTask } from "@gantry/sdk/testing";
import { expect, test } from "vitest";
import { onboarding } from "./onboarding.ts";

const SECOND_MAIL: Record<string, { email: string; template: string }> = {
  "who has made projects is told what comes next": { email: "busy.ada@example.com", template: "next-steps" },
  "who has made none is offered help": { email: "bo@example.com", template: "need-help" },
};

test.each(Object.entries(SECOND_MAIL))("after three days, %s", async (_title, { email, template }) => {
  // Again over the journal at the wait, as where the process has gone meanwhile: no mail is sent twice.
  const result = await runTask(onboarding, { email, name: "Ada" }, { replay: true });
  expect(result.error).toBeUndefined();
  expect(result.waits).toMatchObject([{ kind: "time", ms: 3 * 86_400_000 }]);
  expect(result.output?.sent.map((mail) => mail.template)).toEqual(["welcome", template]);
  expect(result.logs.map(({ message }) => message).filter((line) => line.startsWith("mail"))).toEqual([
    `mail "welcome" to ${email}`,
    `mail "${template}" to ${email}`,
  ]);
});

test("an address that is none is refused before anything is sent", async () => {
  const result = await runTask(onboarding, { email: "nobody", name: "Ada" });
  expect(result.ok).toBe(false);
  expect(result.logs).toEqual([]);
});
