import { describe, expect, test } from "vitest";
import { LiveClient } from "./support/live-client.ts";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";

const { url, key, otherKey, complete, platform, prod } = await startRealPlatform();

const call = (method: string, path: string, body?: unknown, as = key) => caller(url)(method, path, { key: as, body });
async function trigger(options: Record<string, unknown> = {}, payload: unknown = { n: 1 }) {
  const { body } = await call("POST", "/api/v1/tasks/import/trigger", { payload, options });
  return String(body.id);
}
const setMetadata = (runId: string, metadata: object) => call("PUT", `/api/v1/runs/${runId}/metadata`, { metadata });
const tokenFor = async (scopes: string[], expirationTime: string | number = "15m") =>
  String((await call("POST", "/api/v1/auth/public-tokens", { scopes, expirationTime })).body.token);
const client = (token = key) => new LiveClient(url, token).connected();

describe("a subscription to a run", () => {
  test("begins with the run as the API shows it, and goes on with what becomes of it", async () => {
    const runId = await trigger();
    const live = await client();
    await live.follow(runId);
    const { relatedRuns: _, ...shown } = (await call("GET", `/api/v3/runs/${runId}`)).body;
    expect(live.run(runId)).toMatchObject(shown);
    await setMetadata(runId, { percent: 40 });
    await live.until(() => live.run(runId)?.metadata?.percent === 40);
    await complete(runId, { rows: 3 });
    await live.until(() => live.run(runId)?.isCompleted);
    expect(live.run(runId)).toMatchObject({ status: "COMPLETED", output: { rows: 3 }, payload: { n: 1 } });
    expect(live.of("snapshot")).toHaveLength(1);
  });
});
