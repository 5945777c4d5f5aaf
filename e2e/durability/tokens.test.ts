import { expect, test } from "vitest";
import { sharedStage } from "./support/durable-stage.ts";

const shared = sharedStage();

test("a token that was completed before the wait is there at once", async () => {
  const stage = shared.get();
  const token = await stage.token();
  await stage.complete(token, { by: "Ada" });
  const run = await stage.trigger("for-token", { token });
  expect((await stage.completed(run)).output).toEqual({ ok: true, output: { by: "Ada" } });
});

test("of two completions the first one counts, and the second is told", async () => {
  const stage = shared.get();
  const token = await stage.token();
  const run = await stage.trigger("for-token", { token });
  await stage.waiting(run);
  expect(await stage.complete(token, 1)).toMatchObject({ status: "COMPLETED", isFirst: true });
  expect(await stage.complete(token, 2)).toMatchObject({ status: "COMPLETED", isFirst: false });
  expect((await stage.completed(run)).output).toEqual({ ok: true, output: 1 });
});

test("a token that nobody completes times out, and a completion after that changes nothing", async () => {
  const stage = shared.get();
  const token = await stage.token({ timeout: "1s" });
  const run = await stage.trigger("for-token", { token });
  const { output } = await stage.completed(run);
  expect(output).toEqual({ ok: false, error: "WaitpointTimeoutError" });
  expect(await stage.complete(token, "late")).toMatchObject({ status: "TIMED_OUT", isFirst: false });
  const again = await stage.trigger("for-token", { token });
  expect((await stage.completed(again)).output).toEqual(output);
});

test("many runs wait for one token", async () => {
  const stage = shared.get();
  const token = await stage.token();
  const runs = await Promise.all([1, 2, 3].map(() => stage.trigger("for-token", { token })));
  for (const run of runs) await stage.waiting(run);
  await stage.complete(token, "all");
  for (const run of runs) expect((await stage.completed(run)).output).toEqual({ ok: true, output: "all" });
});

test("whoever has a token's address completes it with a plain POST; another address completes nothing", async () => {
  const stage = shared.get();
  const run = await stage.trigger("asks-somebody", {});
  const { url } = await stage.noted(run, "token");
  await stage.waiting(run);
  const send = (address: string) =>
    fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body: '{"approved":true}' });
  const guessed = String(url).replace(/.{4}$/, "0000");
  const refused = await send(guessed);
  expect([401, 403, 404]).toContain(refused.status);
  expect((await send(String(url))).ok).toBe(true);
  expect((await stage.completed(run)).output).toEqual({ approved: true });
  expect(await stage.notes(run, "token")).toHaveLength(2);
  expect(new Set((await stage.notes(run, "token")).map(({ id }) => id)).size).toBe(1);
});
