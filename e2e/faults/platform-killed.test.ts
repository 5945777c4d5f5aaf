import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { livingOf } from "../../.make/demo/processes.mjs";
import { triggerMixed } from "./support/mixed-runs.ts";
import { SeededRandom } from "./support/seeded-random.ts";
import { stage } from "./support/stage.ts";

test("a platform that is killed again and again loses no run, and each ends once on the runner that stays", async () => {
  const random = SeededRandom.ofTest();
  const { platform, api, history } = await stage({ settings: { PROCESS_KEEP_ALIVE: "true" } });
  const first = await api.trigger("noop", { n: -1 }, { idempotencyKey: "first" });
  await api.untilStatus(first, "COMPLETED");
  const runners = await platform.runners();
  expect(runners).toHaveLength(1);

  const triggered = triggerMixed(api, random, { count: 300, overMs: 10_000 });
  for (let kills = 0; kills < 5; kills++) {
    await pause(random.between(200, 1_800));
    await platform.end("SIGKILL");
    await platform.start();
  }
  const wanted = await triggered;
  wanted.set(first, "COMPLETED");
  await api.untilIdle(120_000);

  expect(await history.violations(wanted)).toEqual([]);
  expect(await platform.runners()).toEqual(runners);
  expect(await livingOf(runners)).toEqual(runners);
}, 240_000);
