import { execFile } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { using } from "./support/installation.ts";
import { OutsideWorld } from "./support/outside-world.ts";
import { eventually } from "./support/patience.ts";
import { StoredRuns } from "./support/stored-runs.ts";

const credentials = inject("stored");
const { installation, api } = using(credentials);
const runs = new StoredRuns(api, installation.checkpoints);
const { platform, checkpoints, deployment } = installation;
const LOCAL_CLUSTER = resolve(import.meta.dirname, "../../k8s/local");
const LETTERS = ["load", "welcome", "how-do-you-do"];

const ends: (() => void | Promise<void>)[] = [];
let world: OutsideWorld;
beforeAll(async () => {
  world = await OutsideWorld.open((end) => ends.push(end));
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

/** A run of the task with a name of its own in the outside world. */
async function begin(task: string, payload: object = {}): Promise<{ run: string; name: string; token: string }> {
  const [name, token] = [randomUUID(), await runs.token()];
  const run = await runs.api.trigger(task, { url: world.of(name), token, ...payload });
  return { run, name, token };
}

describe("plain code that waits", () => {
  test("for a minute leaves its pod for Postgres, and goes on at the next line in another pod", async () => {
    const { run, name } = await begin("letters", { token: undefined, seconds: 60 });
    const checkpoint = await runs.untilStored(run);
    expect(checkpoint).toMatchObject({ reason: "PROCESS_MODE", frees: "small-1x", node: expect.any(String) });
    expect(checkpoint.storedBytes).toBeGreaterThan(1e6);
    expect(checkpoint.storedBytes).toBeLessThan(checkpoint.bytes ?? 0);
    expect(world.heard(name)).toEqual(["load", "welcome"]);
    const { output, attemptCount } = await runs.ended(run);
    expect(output).toMatchObject({ user: "heard load" });
    expect(output.after).not.toBe(output.before);
    expect(attemptCount).toBe(1);
    expect(world.heard(name)).toEqual(LETTERS);
  });

  test("does each of its lines once though its pod is gone, and platform and container runtime were restarted", async () => {
    const { run, name, token } = await begin("letters");
    await runs.untilStored(run);
    await checkpoints.run("delete", "jobs", "--selector", `gantry.dev/run=${run}`, "--wait");
    // Kubernetes removes them after the Job.
    await eventually("the end of its pods", async () => (await checkpoints.podsOf(run)).length === 0 || undefined);
    await platform.run("rollout", "restart", deployment);
    await platform.run("rollout", "status", deployment, "--timeout=180s");
    await promisify(execFile)(join(LOCAL_CLUSTER, "restart-containerd.sh"));
    expect((await runs.api.run(run)).status).toBe("WAITING");
    await runs.complete(token);
    const { output } = await runs.ended(run);
    expect(output.after).not.toBe(output.before);
    expect(world.heard(name)).toEqual(LETTERS);
  });

  test("is canceled while it is stored, without a pod", async () => {
    const { run, name, token } = await begin("letters");
    await runs.untilStored(run);
    await runs.api.call("POST", `/api/v2/runs/${run}/cancel`, {});
    await runs.ended(run, "CANCELED", 10_000);
    await runs.complete(token);
    expect(world.heard(name)).toEqual(["load", "welcome"]);
  });
});

describe("a pod that may store its process", () => {
  test("is in a namespace of its own and has four relaxations there, all else as ever", async () => {
    const { run, token, name } = await begin("letters");
    await world.untilHeard(name, "load");
    const [job] = await checkpoints.jobsOf(run);
    const { spec } = job?.spec.template ?? {};
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false });
    expect(spec?.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: true,
      capabilities: { drop: ["ALL"], add: ["CHECKPOINT_RESTORE", "SETPCAP"] },
      seccompProfile: { type: "Unconfined" },
      readOnlyRootFilesystem: true,
    });
    expect(await installation.runs.jobsOf(run)).toEqual([]);
    await runs.complete(token);
    await runs.ended(run);
  });
});

describe("a stored process", () => {
  test("stands in the database's files without its secrets in clear", async () => {
    const secret = `secret-${randomUUID()}`;
    const variables = { variables: { A_SECRET: secret }, override: true };
    await runs.api.call("POST", `/api/v1/projects/${credentials.project}/envvars/prod/import`, variables);
    const { run, name, token } = await begin("knows");
    await runs.untilStored(run);
    const made = createHash("sha256").update(secret).digest("hex");
    // That its payload is found shows that what is there would be found.
    expect(await filesWith(name)).not.toEqual([]);
    expect(await filesWith(secret)).toEqual([]);
    expect(await filesWith(made)).toEqual([]);
    await runs.complete(token);
    expect((await runs.ended(run)).output).toEqual({ made });
  });
});

/** The database's files, its log of changes too, that have the text in them. */
async function filesWith(text: string): Promise<string[]> {
  const postgres = `statefulset/${deployment.split("/")[1]}-postgres`;
  const search = `psql -U gantry -d gantry -qc checkpoint; grep -rlaF -e "${text}" "$PGDATA" || true`;
  const found = await platform.run("exec", postgres, "--", "sh", "-c", search);
  return found.split("\n").filter((line) => line !== "");
}
