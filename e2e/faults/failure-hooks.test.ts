import { expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { stage } from "./support/stage.ts";

test("onFailure runs once, in a process of its own, for a run that crashed, timed out or expired", async () => {
  const { api, project, pool, history } = await stage();
  await api.call("POST", "/api/v1/queues/late/pause", { type: "task", action: "pause" });
  const wanted = new Map([
    [await api.trigger("crash", {}), "CRASHED"],
    [await api.trigger("overtime", {}), "TIMED_OUT"],
    [await api.trigger("late", {}, { ttl: 1 }), "EXPIRED"],
  ]);
  for (const [id, status] of wanted) await api.untilStatus(id, status);
  await eventually("the end of all hooks", async () => {
    const { rowCount } = await pool.query("select 1 from failure_hook");
    return rowCount === 0 ? true : undefined;
  });
  expect(await history.violations(wanted)).toEqual([]);
  for (const [id, status] of wanted) {
    const effects = await project.effects(id);
    expect(effects.filter(({ what }) => what === "onFailure").length, status).toBe(1);
    expect(new Set(effects.map(({ pid }) => pid)).size, status).toBe(effects.length);
  }
}, 120_000);

test("onFailure runs once although the platform is killed while it runs", async () => {
  const { api, platform, project, pool } = await stage();
  const run = await api.trigger("slow-hook", {});
  const count = async (what: string) => (await project.effects(run)).filter((effect) => effect.what === what).length;
  await api.untilStatus(run, "CRASHED");
  await eventually("the hook's start", async () => ((await count("hook begins")) > 0 ? true : undefined));
  await platform.end("SIGKILL");
  await platform.start();
  await project.open(`${run}.hook`);
  await eventually("the hook's end", async () => {
    const { rowCount } = await pool.query("select 1 from failure_hook");
    return rowCount === 0 ? true : undefined;
  });
  expect([await count("hook begins"), await count("hook ends")]).toEqual([1, 1]);
}, 120_000);
