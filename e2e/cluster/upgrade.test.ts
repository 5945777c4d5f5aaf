import { expect, onTestFinished, test } from "vitest";
import { earlierRelease } from "./support/earlier-release.ts";
import { Installation, using } from "./support/installation.ts";
import { eventually } from "./support/patience.ts";
import { run } from "./support/shell.ts";

const RUNS = 20;
/** As in values.yaml. */
const TINY = "tiny";
const TWO_REPLICAS = ["--set", "replicas=2"];

/** Asks the API all the time, and keeps what was not an answer. */
function prober(ask: () => Promise<Response>) {
  const failures: string[] = [];
  let asked = 0;
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      asked += 1;
      const reply = await ask().catch((error: unknown) => error as Error);
      if (reply instanceof Error) failures.push(`${reply.message}: ${String(reply.cause)}`);
      else if (reply.status >= 500 || !reply.headers.has("x-request-id"))
        failures.push(`${reply.status} ${await reply.text()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await probing;
      return { asked, failures };
    },
  };
}

test("a rolling upgrade from an earlier release, and the rollback, end every run once and fail no request", async () => {
  const earlier = await earlierRelease();
  onTestFinished(() => earlier.remove());
  const installation = new Installation("gantry", "gantry-e2e-upgrade");
  await installation.uninstall();
  onTestFinished(() => installation.uninstall());
  const earlierImages = [
    "--set",
    `image.tag=${earlier.tag}`,
    "--set",
    `worker.image=10.255.0.1:5000/gantry/worker:${earlier.tag}`,
  ];
  await installation.helm([...TWO_REPLICAS, ...earlierImages], earlier.chart);
  const { api, project, jobs } = using(await installation.bootstrap("yard"));
  const yard = await project("e2e/cluster/fixtures/yard");
  onTestFinished(() => yard.remove());
  await yard.deploy();

  // Longer than twenty pods need to start on two cores.
  const works = () => api.trigger("works", { ms: 120_000 }, { machine: TINY });
  const executing = async (runIds: string[]) =>
    eventually(
      "all runs execute",
      async () => {
        const statuses = await Promise.all(runIds.map(async (id) => (await api.run(id)).status));
        return statuses.every((status) => status === "EXECUTING") ? true : undefined;
      },
      170_000,
    );
  const endedOnce = async (runIds: string[]) => {
    for (const id of runIds) {
      const { output } = await api.untilStatus(id, "COMPLETED");
      expect(output).toMatchObject({ attempt: 1 });
      expect((await jobs.jobsOf(id)).length).toBeLessThanOrEqual(1);
    }
  };
  const steps: Record<string, () => Promise<unknown>> = {
    "the upgrade": () => installation.helm(TWO_REPLICAS),
    "the rollback": () =>
      run("helm", ["rollback", "gantry", "--namespace", "gantry-e2e-upgrade", "--wait", "--timeout", "4m"]),
  };
  for (const [name, step] of Object.entries(steps)) {
    const runIds = await Promise.all(Array.from({ length: RUNS }, works));
    await executing(runIds);
    const probe = prober(() => api.request("GET", `/api/v3/runs/${runIds[0]}`));
    await step();
    await endedOnce(runIds);
    const { asked, failures } = await probe.stop();
    expect(asked).toBeGreaterThan(100);
    expect(failures, name).toEqual([]);
  }
}, 1_500_000);
