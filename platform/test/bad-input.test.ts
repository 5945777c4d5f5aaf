import { expect, test } from "vitest";
import { describeBadInput } from "./support/api-bad-input.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";
import { shutDatabase } from "./support/shut-database.ts";

const { platform, url, key, otherKey } = await startRealPlatform();
const countRuns = async () => {
  const { rows } = await platform.pool.query(
    "select (select count(*) from run) + (select count(*) from run_history) as runs",
  );
  return Number(rows[0].runs);
};

describeBadInput(async () => ({ url, key, otherKey, countRuns }));

test("a database that goes away is 503 with Retry-After, and once it is back all is well", async () => {
  const call = caller(url);
  const trigger = () => call("POST", "/api/v1/tasks/import/trigger", { key, body: {} });
  const before = await countRuns();
  const open = await shutDatabase(platform.pool);
  const answer = await trigger();
  expect(answer).toMatchObject({ status: 503, body: { code: "STORE_UNAVAILABLE" } });
  expect(answer.headers.get("retry-after")).toBe("1");
  expect((await call("GET", "/readyz", { key: "" })).status).toBe(503);
  expect((await call("GET", "/healthz", { key: "" })).status).toBe(200);
  await open();
  expect((await trigger()).status).toBe(200);
  expect(await countRuns()).toBe(before + 1);
});
