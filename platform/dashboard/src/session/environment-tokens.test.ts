import { expect, test } from "vitest";
import { EnvironmentTokens } from "./environment-tokens.ts";

const place = { project: "shop", environment: "prod" };

function counted(now: () => number) {
  let asked = 0;
  const tokens = new EnvironmentTokens(async () => {
    asked += 1;
    return { token: `t${asked}`, expiresAt: now() + 300_000 };
  }, now);
  return { tokens, asked: () => asked };
}

test("many requests at once ask for one token", async () => {
  const { tokens, asked } = counted(() => 0);
  expect(await Promise.all([tokens.get(place), tokens.get(place), tokens.get(place)])).toEqual(["t1", "t1", "t1"]);
  expect(asked()).toBe(1);
});

test("a token is renewed before it expires", async () => {
  let now = 0;
  const { tokens } = counted(() => now);
  await tokens.get(place);
  now = 250_000;
  expect(await tokens.get(place)).toBe("t1");
  now = 256_000;
  expect(await tokens.get(place)).toBe("t2");
});

test("a token that is forgotten is asked for again, and a failure is not kept", async () => {
  let isDown = true;
  const tokens = new EnvironmentTokens(async () => {
    if (isDown) throw new Error("down");
    return { token: "t", expiresAt: Number.POSITIVE_INFINITY };
  });
  await expect(tokens.get(place)).rejects.toThrow("down");
  isDown = false;
  expect(await tokens.get(place)).toBe("t");
  tokens.forget(place);
  isDown = true;
  await expect(tokens.get(place)).rejects.toThrow("down");
});
