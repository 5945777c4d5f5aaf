import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { using } from "./support/installation.ts";
import type { Pod } from "./support/kubectl.ts";
import { OutsideWorld } from "./support/outside-world.ts";
import { eventually } from "./support/patience.ts";
import { StoredRuns } from "./support/stored-runs.ts";

const credentials = inject("stored");
const { installation, api } = using(credentials);
const runs = new StoredRuns(api, installation.checkpoints);
const MB = 2 ** 20;
/** For any one of a hundred, of which four are at work at once. */
const EACH_MS = 400_000;
const ends: (() => void | Promise<void>)[] = [];
let world: OutsideWorld;
beforeAll(async () => {
  world = await OutsideWorld.open((end) => ends.push(end));
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

describe("a heap", () => {
  /** Seconds from the wait to the process in Postgres, and from the next pod's start to the next line, at most: on two busy cores. */
  test.for([
    { megabytes: 10, storedAtMost: 12, seconds: 10 },
    { megabytes: 100, storedAtMost: 60, seconds: 20 },
    { megabytes: 400, storedAtMost: 200, seconds: 60 },
  ])("of $megabytes MB is stored in at most $storedAtMost MB, and comes back whole", async (given) => {
    const { megabytes, storedAtMost, seconds } = given;
    const token = await runs.token();
    const run = await runs.api.trigger("heavy", { megabytes, token });
    const { storedBytes = 0, bytes = 0, parkedAt } = await runs.untilStored(run);
    const completedAt = Date.now();
    await runs.complete(token);
    const { output } = await runs.ended<{
      isSame: boolean;
      waitsAt: number;
      goesOnAt: number;
      from: string;
      to: string;
    }>(run);
    const storing = (Date.parse(parkedAt) - output.waitsAt) / 1000;
    // How soon the kubelet starts a pod is not Gantry's.
    const next = (await runs.pods.podsOf(run)).find(({ metadata }) => metadata.name === output.to);
    const { running, terminated } = next?.status.containerStatuses?.find(({ name }) => name === "task")?.state ?? {};
    const resuming = (output.goesOnAt - Date.parse((terminated ?? running)?.startedAt ?? "")) / 1000;
    console.log(
      `heap of ${megabytes} MB: ${(bytes / MB).toFixed(1)} MB, stored as ${(storedBytes / MB).toFixed(1)} MB ` +
        `in ${storing.toFixed(2)} s, its next line ${((output.goesOnAt - completedAt) / 1000).toFixed(2)} s after the token`,
    );
    expect(output).toMatchObject({ isSame: true });
    expect(output.to).not.toBe(output.from);
    expect(bytes).toBeGreaterThan(megabytes * MB);
    expect(storedBytes).toBeLessThan(storedAtMost * MB);
    expect(storing).toBeLessThan(seconds);
    expect(resuming).toBeLessThan(seconds);
  });
});

describe("a run that waits twenty times", () => {
  test("is in twenty-one pods, and does each thing once", async () => {
    const name = randomUUID();
    const tokens = await Promise.all(Array.from({ length: 20 }, () => runs.token()));
    const run = await runs.api.trigger("again", { url: world.of(name), tokens });
    for (const [n, token] of tokens.entries()) {
      if (n > 0) await world.untilHeard(name, tokens[n - 1] as string);
      await runs.untilParked(run, "process");
      await runs.complete(token);
    }
    const { output } = await runs.ended<string[]>(run);
    expect(world.heard(name)).toEqual(tokens);
    expect(new Set(output).size).toBe(21);
  });
});

describe("a hundred runs", () => {
  test("are stored at once, leave no pod, and all go on", async () => {
    const token = await runs.token();
    const names = Array.from({ length: 100 }, () => randomUUID());
    const items = names.map((name) => ({ payload: { url: world.of(name), token } }));
    const { runs: ids } = await runs.api.call<{ runs: string[] }>("POST", "/api/v1/tasks/crowd/batch", { items });
    const startedAt = performance.now();
    for (const id of ids) await runs.untilParked(id, "process", /./, EACH_MS);
    await eventually("the end of every pod", async () => {
      const pods = await installation.checkpoints.list<Pod>("pods", "gantry.dev/task=crowd");
      return pods.every(({ status }) => ["Succeeded", "Failed"].includes(status.phase)) || undefined;
    });
    const storedAt = performance.now();
    await runs.complete(token);
    for (const [n, id] of ids.entries()) {
      await runs.ended(id, "COMPLETED", EACH_MS);
      expect(world.heard(names[n] as string)).toEqual(["before", "after"]);
    }
    const seconds = (from: number, to: number) => ((to - from) / 1000).toFixed(0);
    console.log(
      `a hundred: stored in ${seconds(startedAt, storedAt)} s, gone on in ${seconds(storedAt, performance.now())} s`,
    );
  }, 900_000);
});
