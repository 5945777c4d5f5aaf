import { describe, expect, inject, onTestFinished, test } from "vitest";
import { using } from "./support/installation.ts";
import { eventually } from "./support/patience.ts";

const { api, jobs, installation, untilWorking } = using(inject("gantry"));
const { platform, deployment } = installation;

describe("a platform that is down for a minute", () => {
  test("gets the results of the runs that executed meanwhile", async () => {
    onTestFinished(() => platform.run("scale", deployment, "--replicas=1").then(() => undefined));
    const runIds = await Promise.all([1, 2, 3].map(() => api.trigger("works", { ms: 20_000 })));
    const pods = await Promise.all(runIds.map(untilWorking));
    await platform.run("scale", deployment, "--replicas=0");
    await platform.run(
      "wait",
      "--for=delete",
      "pod",
      "--selector=app.kubernetes.io/component=platform",
      "--timeout=180s",
    );
    const downAt = performance.now();
    await eventually(
      "a minute without a platform",
      () => (performance.now() - downAt > 60_000 ? true : undefined),
      70_000,
    );
    await platform.run("scale", deployment, "--replicas=1");
    for (const [index, id] of runIds.entries()) {
      const { output } = await api.untilStatus(id, "COMPLETED");
      expect(output).toEqual({ pod: pods[index], attempt: 1 });
    }
  });
});

describe("a platform that is killed", () => {
  test("again and again while runs start launches one Job for each execution, and says of each that was lost", async () => {
    const names = new Map<string, Set<string>>();
    const watch = jobs.watch<{ metadata: { name: string; labels: Record<string, string> } }>("jobs", ({ object }) => {
      const runId = object.metadata.labels["gantry.dev/run"];
      if (runId !== undefined) names.set(runId, (names.get(runId) ?? new Set()).add(object.metadata.name));
    });
    onTestFinished(() => watch.stop());
    await platform.run("rollout", "status", deployment, "--timeout=180s");
    // Tiny, so that all fit at once: a pod that finds no room for long would rightly be given up, and another made.
    const runIds: string[] = [];
    for (let round = 0; round < 4; round++) {
      const some = Array.from({ length: 5 }, () => api.trigger("hello", {}, { machine: "tiny" }));
      runIds.push(...(await Promise.all(some)));
      await platform.run(
        "delete",
        "pod",
        "--selector=app.kubernetes.io/component=platform",
        "--grace-period=0",
        "--force",
      );
      await platform.run("rollout", "status", deployment, "--timeout=180s");
    }
    for (const id of runIds) {
      const { attempts = [] } = await api.untilStatus(id, "COMPLETED");
      // On a busy machine a pod may find no platform for too long: its run is rightly given another, which it tells.
      const lost = attempts.filter(({ outcome }) => outcome === "LOST");
      expect(names.get(id)?.size, JSON.stringify(attempts)).toBe(1 + lost.length);
    }
  }, 900_000);
});
