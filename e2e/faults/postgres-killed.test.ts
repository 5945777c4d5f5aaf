import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Api } from "../support/api.ts";
import { eventually } from "../support/eventually.ts";
import { KillablePostgres } from "./support/killable-postgres.ts";
import { triggerMixed } from "./support/mixed-runs.ts";
import { SeededRandom } from "./support/seeded-random.ts";
import { stage } from "./support/stage.ts";

const HELD = { payload: { gate: "open" }, options: { idempotencyKey: "held" } };

/** The first answer to a trigger that tells that the database is away. Its key is one that a run has. */
const refusal = (api: Api) =>
  eventually("a refusal", async () => {
    const reply = await api.request("POST", "/api/v1/tasks/gate/trigger", HELD);
    await reply.body?.cancel();
    return reply.status === 503 ? reply : undefined;
  });

test("while Postgres is killed and restarted again and again, the API says so, workers work on, and each run ends once", async () => {
  const random = SeededRandom.ofTest();
  const postgres = await KillablePostgres.start();
  const { api, project, platform, history } = await stage({
    databaseUrl: postgres.url,
    settings: { PROCESS_KEEP_ALIVE: "true" },
  });
  const held = await api.trigger("gate", HELD.payload, HELD.options);
  const begun = await eventually("the start of the held run", async () => (await project.effects(held))[0]);

  const triggered = triggerMixed(api, random, { count: 200, overMs: 12_000 });
  for (let kills = 0; kills < 4; kills++) {
    await pause(random.between(500, 1_500));
    await postgres.end(kills % 2 === 0 ? "SIGKILL" : "stop");
    const reply = await refusal(api);
    expect(Number(reply.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await fetch(`${platform.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${platform.url}/healthz`)).status).toBe(200);
    if (kills === 3) await project.open("open");
    // Once for longer than a lease, for which no worker is to blame.
    await pause(kills === 2 ? 4_000 : random.between(0, 500));
    if (kills === 3) {
      await eventually("the end of the held run's function", async () => (await project.effects(held))[1]);
    }
    await postgres.start();
  }
  const wanted = await triggered;
  wanted.set(held, "COMPLETED");
  await api.untilIdle(120_000);

  expect(await history.violations(wanted)).toEqual([]);
  expect(await history.rowOf(held)).toMatchObject({ attempt: 1, platform_losses: 0 });
  expect(await project.effects(held)).toEqual([begun, { ...begun, what: "end" }]);
}, 240_000);
