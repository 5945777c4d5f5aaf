import { manifestSchema } from "@gantry/sdk/contract";
import { expect, test, vi } from "vitest";
import { startRealPlatform } from "./support/real-platform.ts";
import { caller } from "./support/served-http.ts";

const { platform, url, key, prod, staging } = await startRealPlatform();
if (prod === undefined || staging === undefined) throw new Error("there are no environments");
const call = caller(url);
const send = (method: string, path: string, body?: unknown) => call(method, `/api/v1/schedules${path}`, { key, body });
const wanted = (change: object) => ({ task: "report", cron: "0 5 * * *", deduplicationKey: "k", ...change });
const SCHEDULED = { id: "report", filePath: "report.ts", kind: "SCHEDULED" };

interface Started {
  dueAt: Date;
  createdAt: Date;
  runId: string;
}

/** Due times of a schedule with their runs. */
async function started(scheduleId: string): Promise<Started[]> {
  const { rows } = await platform.pool.query<Started>(
    `select d.due_at as "dueAt", r.created_at as "createdAt", r.id as "runId"
     from schedule_due d join run r on r.id = d.run_id
     where d.schedule_id = (select id from schedule where deduplication_key = $1) order by d.due_at`,
    [scheduleId],
  );
  return rows;
}

test("runs start at their due time, never early, and say where they are from", async () => {
  const { body: made } = await send(
    "POST",
    "",
    wanted({ cron: "* * * * * *", deduplicationKey: "each-second", externalId: "e" }),
  );
  const dues = await vi.waitFor(
    async () => {
      const found = await started("each-second");
      expect(found.length).toBeGreaterThanOrEqual(4);
      return found;
    },
    { timeout: 20_000, interval: 100 },
  );
  await send("POST", `/${String(made.id)}/deactivate`);
  for (const { dueAt, createdAt } of dues) expect(createdAt.getTime()).toBeGreaterThanOrEqual(dueAt.getTime());
  const { body: list } = await call("GET", "/api/v1/runs?filter%5BtaskIdentifier%5D=report", { key });
  const [run] = (list as unknown as { data: { id: string }[] }).data;
  const { body } = await call("GET", `/api/v3/runs/${run?.id}`, { key });
  expect(body).toMatchObject({
    schedule: {
      id: made.id,
      externalId: "e",
      deduplicationKey: "each-second",
      generator: { type: "CRON", expression: "* * * * * *" },
      dueAt: expect.stringMatching(/\.000Z$/),
    },
    payloadType: "application/super+json",
    payload: { scheduleId: made.id, type: "IMPERATIVE", externalId: "e" },
  });
});

test("a schedule is shown with its next due times, previewed without being made, and run at once", async () => {
  const timing = { cron: "30 2 * * *", timezone: "Europe/Berlin" };
  const { body: made } = await send(
    "POST",
    "",
    wanted({ ...timing, overlap: "queue", catchUp: { policy: "all", within: "6h" }, jitter: "10%" }),
  );
  expect(made).toMatchObject({
    overlap: "queue",
    catchUp: { policy: "all", within: "6h" },
    jitter: "10%",
    window: "10%",
    lastRun: null,
  });
  expect(made.upcoming).toHaveLength(5);
  expect((made.upcoming as string[])[0]).toBe(made.nextRun);
  expect(Date.parse(String(made.nextRunEffectiveAt))).toBeGreaterThanOrEqual(Date.parse(String(made.nextRun)));
  const { body: preview } = await send("POST", "/preview", { ...timing, from: "2026-10-24T12:00:00.000Z", count: 2 });
  expect(preview).toEqual({
    timezone: "Europe/Berlin",
    upcoming: ["2026-10-25T00:30:00.000Z", "2026-10-26T01:30:00.000Z"],
  });
  const { body: run } = await send("POST", `/${String(made.id)}/run`);
  const { body: shown } = await call("GET", `/api/v3/runs/${String(run.id)}`, { key });
  expect(shown).toMatchObject({ taskIdentifier: "report", schedule: { id: made.id } });
});

test("what the code declares is read, paused and run, but not changed or deleted", async () => {
  const manifest = manifestSchema.parse({
    manifestVersion: 1,
    sdkVersion: "1",
    runtime: "node",
    entry: "e.mjs",
    queues: [],
    tasks: [{ ...SCHEDULED, schedule: { cron: "0 5 * * *", timezone: "Asia/Tokyo", environments: ["STAGING"] } }],
  });
  const source = { kind: "local" as const, bundleDir: "/b", projectDir: "/p", envFiles: [] };
  await platform.engine.deployments.register(staging, { manifest, source, promote: true });
  const { key: stagingKey } = await platform.projects.createKey(staging, "full");
  const ask = (method: string, path: string, body?: unknown) =>
    call(method, `/api/v1/schedules${path}`, { key: stagingKey, body });
  const { body } = await ask("GET", "");
  const [declared] = (body as unknown as { data: Record<string, unknown>[] }).data;
  expect(declared).toMatchObject({
    type: "DECLARATIVE",
    task: "report",
    timezone: "Asia/Tokyo",
    deduplicationKey: null,
  });
  const path = `/${String(declared?.id)}`;
  const refused = { status: 409, body: { code: "SCHEDULE_DECLARED" } };
  expect(await ask("PUT", path, { task: "report", cron: "@daily" })).toMatchObject(refused);
  expect(await ask("DELETE", path)).toMatchObject(refused);
  expect((await ask("POST", `${path}/deactivate`)).body).toMatchObject({ active: false, upcoming: [] });
  expect((await ask("POST", `${path}/activate`)).body).toMatchObject({ active: true });
  expect((await ask("POST", `${path}/run`)).body).toMatchObject({ id: expect.stringMatching(/^run_/) });
});

test("a version whose schedule cannot be is refused by the task's name", async () => {
  const tasks = [{ ...SCHEDULED, schedule: { cron: "0 5 * *" } }];
  const manifest = { manifestVersion: 1, sdkVersion: "1", runtime: "node", entry: "e.mjs", queues: [], tasks };
  const source = { kind: "local", bundleDir: "/b", projectDir: "/p", envFiles: [] };
  const { status, body } = await call("POST", "/api/v1/deployments", {
    key,
    body: { manifest, source, promote: true },
  });
  expect({ status, code: body.code }).toEqual({ status: 400, code: "VALIDATION_FAILED" });
  expect(body.error).toMatch(/"report".*4 fields; five are needed/);
});

test("an environment has no more schedules than it may", async () => {
  await platform.projects.setLimits(prod, { schedules: 1 });
  const { status, body } = await send("POST", "", wanted({ deduplicationKey: "one too many" }));
  expect({ status, code: body.code }).toEqual({ status: 422, code: "TOO_MANY_SCHEDULES" });
});
