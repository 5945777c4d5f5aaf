import {
  auth,
  batch,
  configure,
  deployments,
  envvars,
  idempotencyKeys,
  queues,
  runs,
  schedules,
  tasks,
  wait,
} from "@trigger.dev/sdk";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeTokens } from "./api-token-contract.ts";
import { caller } from "./served-http.ts";

/** A platform to test against: in memory at the edge, or the real one. */
export interface Subject {
  url: string;
  /** A full key of an environment whose current version has the tasks `import` and `export`. */
  key: string;
  /** The project of that environment, whose slug is prod. */
  projectRef: string;
  /** A key of another environment. */
  otherKey: string;
  /** Ends a run that is queued as its worker would, with this output. */
  complete(runId: string, output: unknown): Promise<void>;
}

const payloadOf = (bytes: number) => ({
  at: new Date("2026-01-02T03:04:05Z"),
  text: `é\0"${"x".repeat(bytes)}`,
});

/**
 * What an unmodified `@trigger.dev/sdk` in a backend does, and what it must get. The SDK validates every reply by its own
 * schemas, so that a call which resolves has passed them.
 */
export function describeTriggerSdk(start: () => Promise<Subject>): void {
  describe("an unmodified @trigger.dev/sdk", () => {
    let subject: Subject;
    const env = { ...process.env };
    beforeAll(async () => {
      subject = await start();
      for (const name of Object.keys(process.env)) if (name.startsWith("TRIGGER_")) delete process.env[name];
      configure({ baseURL: subject.url, accessToken: subject.key, requestOptions: { retry: { maxAttempts: 1 } } });
    });
    afterAll(() => void Object.assign(process.env, env));

    test("triggers a run and retrieves it with everything that was said", async () => {
      const handle = await tasks.trigger(
        "import",
        { hello: "world" },
        {
          tags: ["user:1", "b"],
          ttl: "1h",
          metadata: { step: 0 },
          priority: 5,
          maxAttempts: 2,
          machine: "small-2x",
          concurrencyKey: "tenant-1",
        },
      );
      expect(handle.id).toMatch(/^run_/);
      expect(handle.publicAccessToken).toMatch(/^ey/);
      const run = await runs.retrieve(handle.id);
      expect(run).toMatchObject({
        id: handle.id,
        taskIdentifier: "import",
        isTest: false,
        payload: { hello: "world" },
        metadata: { step: 0 },
        ttl: "1h",
        isCompleted: false,
      });
      expect([...run.tags].sort()).toEqual(["b", "user:1"]);
      expect(run.createdAt).toBeInstanceOf(Date);
    });

    test.each([
      ["200 KB", 200_000],
      ["2.9 MB", 2_900_000],
    ])("triggers with a payload of %s, which it uploads first and reads back whole", async (_size, bytes) => {
      const payload = payloadOf(bytes);
      const { id } = await tasks.trigger("import", payload);
      expect((await runs.retrieve(id)).payload).toEqual(payload);
    });

    test("is told which limit a payload of 3.5 MB breaks", async () => {
      await expect(tasks.trigger("import", "x".repeat(3_500_000))).rejects.toThrow(/payloadBytes/);
    });

    test("gets a 404 with the code for a task that is not there", async () => {
      await expect(tasks.trigger("imprt", {})).rejects.toMatchObject({ status: 404, code: "TASK_NOT_FOUND" });
    });

    test("gets the same run for the same idempotency key, until the key is reset", async () => {
      const key = await idempotencyKeys.create("order-1", { scope: "global" });
      const first = await tasks.trigger("import", {}, { idempotencyKey: key });
      const again = await tasks.trigger("import", {}, { idempotencyKey: key });
      expect(again.id).toBe(first.id);
      expect((again as { isCached?: boolean }).isCached).toBe(true);
      await idempotencyKeys.reset("import", key);
      expect((await tasks.trigger("import", {}, { idempotencyKey: key })).id).not.toBe(first.id);
    });

    test("batch-triggers one task", async () => {
      const handle = await tasks.batchTrigger(
        "import",
        Array.from({ length: 30 }, (_, index) => ({ payload: { index }, options: { tags: [`item-${index}`] } })),
      );
      const found = await batch.retrieve(handle.batchId);
      expect(found).toMatchObject({ id: handle.batchId, runCount: 30 });
      expect(found.runs).toHaveLength(30);
      const third = await runs.retrieve(found.runs[3] as string);
      expect(third).toMatchObject({ payload: { index: 3 }, tags: ["item-3"], batchId: handle.batchId });
    });

    test("batch-triggers several tasks, with a large payload among them", async () => {
      const payload = payloadOf(150_000);
      const handle = await batch.trigger([
        { id: "import", payload },
        { id: "export", payload: { b: 2 } },
      ] as never);
      const found = await batch.retrieve(handle.batchId);
      const [first, second] = await Promise.all(found.runs.map((id) => runs.retrieve(id)));
      expect([first?.taskIdentifier, second?.taskIdentifier]).toEqual(["import", "export"]);
      expect(first?.payload).toEqual(payload);
    });

    test("gets the same batch for the same idempotency key", async () => {
      const key = await idempotencyKeys.create("batch-1", { scope: "global" });
      const items = [{ payload: 1 }, { payload: 2 }];
      const first = await tasks.batchTrigger("import", items, { idempotencyKey: key });
      const again = await tasks.batchTrigger("import", items, { idempotencyKey: key });
      const runsOf = async (id: string) => (await batch.retrieve(id)).runs;
      expect(await runsOf(again.batchId)).toEqual(await runsOf(first.batchId));
    });

    test("lists runs by tag, page by page", async () => {
      const made = [];
      for (let i = 0; i < 5; i++) made.push((await tasks.trigger("import", i, { tags: ["listed"] })).id);
      const page = await runs.list({ tag: "listed", limit: 2 });
      expect(page.data.map(({ id }) => id)).toEqual([made[4], made[3]]);
      expect(page.hasNextPage()).toBe(true);
      const all = [];
      for await (const run of runs.list({ tag: "listed", limit: 2, status: ["QUEUED", "DEQUEUED", "EXECUTING"] }))
        all.push(run.id);
      expect(all).toEqual([...made].reverse());
      expect((await runs.list({ tag: "listed", taskIdentifier: "export", period: "1h" })).data).toEqual([]);
    });

    test("cancels a run", async () => {
      const { id } = await tasks.trigger("import", {}, { delay: "1h" });
      await runs.cancel(id);
      expect(await runs.retrieve(id)).toMatchObject({ status: "CANCELED", isCancelled: true, isCompleted: true });
      await expect(runs.cancel(id)).resolves.toEqual({ id });
    });

    test("reschedules a delayed run, and only a delayed one", async () => {
      const { id } = await tasks.trigger("import", {}, { delay: "1h" });
      const later = new Date("2031-01-01T00:00:00Z");
      const run = await runs.reschedule(id, { delay: later });
      expect(run).toMatchObject({ status: "DELAYED", delayedUntil: later });
      const { id: queued } = await tasks.trigger("import", {});
      await expect(runs.reschedule(queued, { delay: "1h" })).rejects.toMatchObject({
        status: 409,
        code: "RUN_NOT_DELAYED",
      });
    });

    test("replays a run, as it was and with another payload", async () => {
      const { id } = await tasks.trigger("import", { a: 1 }, { tags: ["again"] });
      const replay = await runs.replay(id);
      expect(await runs.retrieve(replay.id)).toMatchObject({
        payload: { a: 1 },
        tags: ["again"],
        taskIdentifier: "import",
      });
      const changed = await runs.replay(id, { payload: { when: new Date(0) }, tags: ["changed"] });
      expect(await runs.retrieve(changed.id)).toMatchObject({
        payload: { when: "1970-01-01T00:00:00.000Z" },
        tags: ["changed"],
      });
    });

    test("polls a run to its end and reads its output", async () => {
      const { id } = await tasks.trigger("import", {});
      const polled = runs.poll(id, { pollIntervalMs: 20 });
      await subject.complete(id, { rows: 3 });
      expect(await polled).toMatchObject({ id, status: "COMPLETED", isSuccess: true, output: { rows: 3 } });
    });

    test("makes a public token that reads its run and nothing else", async () => {
      const [mine, theirs] = [await tasks.trigger("import", {}), await tasks.trigger("import", {})];
      const token = await auth.createPublicToken({ scopes: { read: { runs: [mine.id] } } });
      await expectReadsOnly(subject, token, mine.id, theirs.id);
      await expectReadsOnly(subject, mine.publicAccessToken, mine.id, theirs.id);
    });

    test("makes the same token on the server where its key is of the alias that asks for it", async () => {
      const [mine, theirs] = [await tasks.trigger("import", {}), await tasks.trigger("import", {})];
      const alias = subject.key.replace(/^gt_.*_sk_/, "tr_prod_sk_");
      const token = await auth.withAuth({ baseURL: subject.url, accessToken: alias }, () =>
        auth.createPublicToken({ scopes: { read: { runs: [mine.id] } }, expirationTime: "1hr" }),
      );
      await expectReadsOnly(subject, token as unknown as string, mine.id, theirs.id);
    });

    test("makes a token that triggers one task, once", async () => {
      const token = await auth.createTriggerPublicToken("import");
      const call = caller(subject.url);
      const trigger = (task: string) =>
        call("POST", `/api/v1/tasks/${task}/trigger`, { key: token, body: { payload: {} } });
      expect(await trigger("export")).toMatchObject({ status: 403 });
      expect(await trigger("import")).toMatchObject({ status: 200 });
      expect(await trigger("import")).toMatchObject({ status: 403, body: { code: "FORBIDDEN" } });
    });

    test("makes a token that batch-triggers one task", async () => {
      const token = await auth.createBatchTriggerPublicToken("import", { multipleUse: true });
      const handle = await auth.withAuth({ baseURL: subject.url, accessToken: token }, () =>
        tasks.batchTrigger("import", [{ payload: 1 }, { payload: 2 }]),
      );
      expect((await batch.retrieve((handle as unknown as { batchId: string }).batchId)).runs).toHaveLength(2);
    });

    test("a token that its client says is good for a minute is refused after it", async () => {
      const { id } = await tasks.trigger("import", {});
      const token = await auth.createPublicToken({
        scopes: { read: { runs: [id] } },
        expirationTime: new Date(Date.now() - 60_000),
      });
      const { status, body } = await caller(subject.url)("GET", `/api/v3/runs/${id}`, { key: token });
      expect({ status, code: body.code }).toEqual({ status: 401, code: "TOKEN_EXPIRED" });
    });

    test("sees, pauses, limits and resumes queues", async () => {
      await tasks.trigger("import", {});
      const task = { type: "task", name: "import" } as const;
      expect((await queues.list()).data.map(({ name }) => name)).toContain("import");
      expect(await queues.retrieve(task)).toMatchObject({ name: "import", type: "task", paused: false });
      expect(await queues.pause(task)).toMatchObject({ paused: true });
      expect(await queues.resume(task)).toMatchObject({ paused: false });
      expect(await queues.overrideConcurrencyLimit(task, 3)).toMatchObject({
        concurrencyLimit: 3,
        concurrency: { override: 3 },
      });
      expect(await queues.resetConcurrencyLimit(task)).toMatchObject({ concurrency: { override: null } });
    });

    test("sees the current deployment", async () => {
      const current = await deployments.retrieveCurrent();
      expect(current).toMatchObject({ status: "DEPLOYED", version: expect.stringMatching(/^\d{8}\.\d+$/) });
      expect((await deployments.list()).data.map(({ version }) => version)).toContain(current.version);
    });

    test("sets, reads, imports and removes an environment's variables", async () => {
      const place = [subject.projectRef, "prod"] as const;
      await expect(envvars.create(...place, { name: "PLAIN", value: "1" })).resolves.toEqual({ success: true });
      await envvars.upload(...place, { variables: { TOKEN: "hidden", OTHER: "2" }, isSecret: true });
      expect(await envvars.list(...place)).toEqual([
        expect.objectContaining({ name: "OTHER", value: "<redacted>", isSecret: true }),
        expect.objectContaining({ name: "PLAIN", value: "1", isSecret: false }),
        expect.objectContaining({ name: "TOKEN", value: "<redacted>", isSecret: true }),
      ]);
      await expect(envvars.create(...place, { name: "PLAIN", value: "2" })).rejects.toMatchObject({
        status: 409,
        code: "VARIABLE_EXISTS",
      });
      // Its `envvars.update` reads a variable that it never sets (4.8.3) and fails outside of runs before it sends anything.
      const path = `/api/v1/projects/${place[0]}/envvars/prod/PLAIN`;
      const { body } = await caller(subject.url)("PUT", path, { key: subject.key, body: { value: "3" } });
      expect(body).toEqual({ success: true });
      expect(await envvars.retrieve(...place, "PLAIN")).toMatchObject({ name: "PLAIN", value: "3" });
      for (const name of ["PLAIN", "TOKEN", "OTHER"]) await envvars.del(...place, name);
      expect(await envvars.list(...place)).toEqual([]);
      await expect(envvars.retrieve(...place, "PLAIN")).rejects.toMatchObject({
        status: 404,
        code: "VARIABLE_NOT_FOUND",
      });
      await expect(envvars.list(subject.projectRef, "staging")).rejects.toMatchObject({ status: 404 });
      await expect(envvars.list("proj_of_others", "prod")).rejects.toMatchObject({ status: 404 });
    });

    describeTokens(() => subject.url);

    test("makes, sees, changes, pauses and deletes schedules", async () => {
      const options = { task: "report", cron: "0 5 * * *", timezone: "Europe/Berlin", externalId: "user-1" };
      const made = await schedules.create({ ...options, deduplicationKey: "contract", window: "30m" });
      expect(made).toMatchObject({
        id: expect.stringMatching(/^sched_/),
        type: "IMPERATIVE",
        task: "report",
        active: true,
        deduplicationKey: "contract",
        externalId: "user-1",
        timezone: "Europe/Berlin",
        window: "30m",
        generator: { type: "CRON", expression: "0 5 * * *" },
        environments: [{ type: "PRODUCTION" }],
      });
      expect(made.nextRun?.getTime()).toBeGreaterThan(Date.now());
      expect(await schedules.create({ ...options, cron: "@hourly", deduplicationKey: "contract" })).toMatchObject({
        id: made.id,
        generator: { expression: "@hourly" },
      });
      expect(await schedules.update(made.id, { task: "report", cron: "0 6 * * 1" })).toMatchObject({
        generator: { expression: "0 6 * * 1" },
        timezone: "UTC",
        externalId: null,
      });
      expect(await schedules.deactivate(made.id)).toMatchObject({ active: false, nextRun: null });
      expect(await schedules.activate(made.id)).toMatchObject({ active: true, nextRun: expect.any(Date) });
      expect(await schedules.retrieve(made.id)).toMatchObject({ id: made.id });
      await schedules.create({ ...options, deduplicationKey: "contract-2" });
      const page = await schedules.list({ page: 1, perPage: 1 });
      expect(page.data).toMatchObject([{ id: made.id }]);
      expect(page.hasNextPage()).toBe(true);
      expect((await page.getNextPage()).data).toHaveLength(1);
      await auth.withAuth({ baseURL: subject.url, accessToken: subject.otherKey }, async () => {
        await expect(schedules.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
        await expect(schedules.update(made.id, options)).rejects.toMatchObject({ status: 404 });
        await expect(schedules.deactivate(made.id)).rejects.toMatchObject({ status: 404 });
        await expect(schedules.del(made.id)).rejects.toMatchObject({ status: 404 });
        expect((await schedules.list()).data).toEqual([]);
      });
      expect(await schedules.del(made.id)).toEqual({ id: made.id });
      await expect(schedules.retrieve(made.id)).rejects.toMatchObject({ status: 404 });
    });

    test("knows the time zones", async () => {
      expect((await schedules.timezones()).timezones[0]).toBe("UTC");
      expect((await schedules.timezones({ excludeUtc: true })).timezones).not.toContain("UTC");
    });

    test("is refused, at once and by name, what is not built", async () => {
      await expect(tasks.trigger("import", {}, { debounce: { key: "k", delay: "1s" } })).rejects.toMatchObject({
        status: 422,
        code: "UNSUPPORTED_OPTION",
      });
      const replay = runs.bulk.replay({ filter: { tag: "a" }, targetRegion: "eu" });
      await expect(replay).rejects.toMatchObject({ status: 422, code: "UNSUPPORTED_OPTION" });
    });

    test("cancels many runs at once", async () => {
      const { id: runId } = await tasks.trigger("import", {}, { delay: "1h" });
      const { id } = await runs.bulk.cancel({ runIds: [runId], name: "no longer wanted" });
      expect(await runs.bulk.retrieve(id)).toMatchObject({ id, type: "CANCEL", name: "no longer wanted" });
      expect((await runs.bulk.list({ limit: 1 })).data[0]?.id).toBe(id);
      expect(await runs.bulk.abort(id)).toEqual({ id });
    });

    test("sees nothing of another environment", async () => {
      const { id } = await tasks.trigger("import", {}, { tags: ["secret"] });
      const token = await wait.createToken({ tags: ["secret"] });
      await auth.withAuth({ baseURL: subject.url, accessToken: subject.otherKey }, async () => {
        await expect(runs.retrieve(id)).rejects.toMatchObject({ status: 404 });
        await expect(runs.cancel(id)).rejects.toMatchObject({ status: 404 });
        await expect(wait.retrieveToken(token)).rejects.toMatchObject({ status: 404 });
        await expect(wait.completeToken(token, 1)).rejects.toMatchObject({ status: 404 });
        expect((await wait.listTokens({ tags: "secret" })).data).toEqual([]);
        expect((await runs.list({ tag: "secret" })).data).toEqual([]);
      });
    });
  });
}

/** Asked with the token itself, on every path that could show or change something. */
async function expectReadsOnly(subject: Subject, token: string, mine: string, theirs: string): Promise<void> {
  const call = caller(subject.url);
  const status = async (method: string, path: string, body?: unknown) =>
    (await call(method, path, { key: token, body })).status;
  expect(await status("GET", `/api/v3/runs/${mine}`)).toBe(200);
  const refused: [string, string, unknown?][] = [
    ["GET", `/api/v3/runs/${theirs}`],
    ["GET", `/api/v1/runs/${theirs}/events`],
    ["GET", `/api/v1/runs/${theirs}/packets/payload`],
    ["GET", "/api/v1/runs"],
    ["GET", "/api/v1/queues"],
    ["GET", "/api/v1/schedules"],
    ["POST", "/api/v1/schedules", { task: "report", cron: "@daily", deduplicationKey: "t" }],
    ["GET", "/api/v1/deployments"],
    ["GET", "/api/v1/limits"],
    ["GET", "/api/v1/keys"],
    ["GET", `/api/v1/projects/${subject.projectRef}/envvars/prod`],
    ["POST", `/api/v1/projects/${subject.projectRef}/envvars/prod/import`, { variables: {} }],
    ["POST", `/api/v2/runs/${mine}/cancel`],
    ["POST", `/api/v1/runs/${mine}/replay`, {}],
    ["POST", `/api/v1/runs/${mine}/tags`, { tags: "x" }],
    ["PUT", `/api/v1/runs/${mine}/metadata`, { metadata: {} }],
    ["POST", "/api/v1/tasks/import/trigger", {}],
    ["POST", "/api/v3/batches", { runCount: 1 }],
    ["POST", "/api/v1/auth/public-tokens", { scopes: ["read:runs"] }],
    ["POST", "/api/v1/keys", {}],
    ["PUT", "/api/v2/packets/a.json"],
  ];
  for (const [method, path, body] of refused)
    expect([method, path, await status(method, path, body)]).toEqual([method, path, 403]);
}
