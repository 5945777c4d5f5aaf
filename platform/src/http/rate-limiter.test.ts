import { expect, test } from "vitest";
import { RateLimiter } from "./rate-limiter.ts";

const rate = { burst: 3, refillPerSecond: 2 };

test("a burst passes, then one request per refill", () => {
  const limiter = new RateLimiter();
  const allowed = (nowMs: number) => limiter.take("k", rate, nowMs).allowed;
  expect([allowed(0), allowed(0), allowed(0), allowed(0)]).toEqual([true, true, true, false]);
  expect([allowed(400), allowed(500), allowed(500)]).toEqual([false, true, false]);
});

test("a refusal says when to come back, and coming back then works", () => {
  const limiter = new RateLimiter();
  for (let i = 0; i < 3; i++) limiter.take("k", rate, 0);
  const refused = limiter.take("k", rate, 0);
  expect(refused).toMatchObject({ allowed: false, remaining: 0, retryAfterMs: 500, resetMs: 1500 });
  expect(limiter.take("k", rate, refused.retryAfterMs).allowed).toBe(true);
});

test("keys have buckets of their own", () => {
  const limiter = new RateLimiter();
  for (let i = 0; i < 4; i++) limiter.take("a", rate, 0);
  expect(limiter.take("b", rate, 0).allowed).toBe(true);
});

test("a clock that goes back takes nothing away", () => {
  const limiter = new RateLimiter();
  limiter.take("k", rate, 10_000);
  expect(limiter.take("k", rate, 0).remaining).toBe(1);
});
