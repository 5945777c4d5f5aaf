import { describe, expect, inject, test } from "vitest";
import { using } from "./support/installation.ts";
import { eventually } from "./support/patience.ts";

const credentials = inject("gantry");
const { api, jobs, untilWorking } = using(credentials);

interface Found {
  uid: number;
  serviceAccount: string;
  rootIsWritable: string;
  variables: string[];
  environments: (string[] | string)[];
  kubernetes: number | string;
  otherRun: number | string;
}

async function bootstrapToken(runId: string): Promise<string> {
  const job = await eventually("its Job", async () => (await jobs.jobsOf(runId))[0]);
  const variables = job.spec.template.spec.containers[0]?.env ?? [];
  return variables.find(({ name }) => name === "GANTRY_WORKER_BOOTSTRAP_TOKEN")?.value as string;
}

const exchange = (token: string, nonce: string) =>
  fetch(`${credentials.url}/worker/v1/start`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ protocol: 1, nonce, host: "elsewhere" }),
  });

describe("code in a run's pod", () => {
  test("reads neither the platform's secrets, nor the Kubernetes API, nor another run by what its pod was started with", async () => {
    const other = await api.trigger("hello", { name: "private" });
    await api.untilStatus(other, "COMPLETED");
    const runId = await api.trigger("snoop", { otherRun: other, apiUrl: credentials.url });
    const { output } = await api.untilStatus(runId, "COMPLETED");
    const found = output as Found;
    expect(found.uid).not.toBe(0);
    expect(found.serviceAccount).toMatch(/ENOENT/);
    expect(found.rootIsWritable).toMatch(/EROFS|EACCES/);
    expect([401, 403, "fetch failed"]).toContain(found.kubernetes);
    expect(found.otherRun).toBe(401);
    const secret = /GANTRY_PLATFORM_|DATABASE_URL|ENCRYPTION|REDIS|GANTRY_WORKER_TOKEN/;
    expect(found.variables.filter((name) => secret.test(name))).toEqual([]);
    expect(found.environments.flat().filter((line) => secret.test(line.split("=")[0] ?? ""))).toEqual([]);
  });
});

describe("a bootstrap token", () => {
  test("is used up by its pod, and opens nothing else", async () => {
    const runId = await api.trigger("works", { ms: 15_000 });
    await untilWorking(runId);
    const token = await bootstrapToken(runId);
    const again = await exchange(token, "somebody-else-entirely");
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: "BOOTSTRAP_TOKEN_USED" });
    const asKey = await fetch(`${credentials.url}/api/v1/runs`, { headers: { authorization: `Bearer ${token}` } });
    expect(asKey.status).toBe(401);
    await api.untilStatus(runId, "COMPLETED");
    expect((await exchange(token, "somebody-else-entirely")).status).toBe(409);
  });
});
