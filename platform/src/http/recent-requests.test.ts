import { expect, test } from "vitest";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { RecentRequests } from "./recent-requests.ts";

test("an answer is kept for seconds, then the work is done again", async () => {
  const clock = new FakeClock();
  const recent = new RecentRequests(clock);
  let done = 0;
  const ask = () => recent.once("a", async () => ++done);
  expect([await ask(), await ask()]).toEqual([1, 1]);
  clock.advance(16_000);
  expect(await ask()).toBe(1);
  clock.advance(16_000);
  expect(await ask()).toBe(2);
});

test("two at once share the work", async () => {
  const recent = new RecentRequests(new FakeClock());
  let done = 0;
  const ask = () => recent.once("a", async () => ++done);
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1]);
});
