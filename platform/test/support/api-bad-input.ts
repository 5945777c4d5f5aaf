import { beforeAll, describe, expect, test } from "vitest";
import { type BadInputCases, type Call, TOKEN_CASES, TOKENS } from "./api-bad-tokens.ts";
import { caller } from "./served-http.ts";

export interface BadInputSubject {
  url: string;
  key: string;
  otherKey: string;
  /** Of all environments. */
  countRuns(): Promise<number>;
}

const TRIGGER = "/api/v1/tasks/import/trigger";
const trigger = (options: Record<string, unknown>, payload: unknown = {}) =>
  ["POST", TRIGGER, { body: { payload, options } }] as const;
const deep = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

const cases: BadInputCases = {
  "no key": {
    send: ["GET", "/api/v1/runs", { key: "" }],
    wantStatus: 401,
    wantCode: "UNAUTHORIZED",
    wantText: /Authorization/,
  },
  "an unknown key": {
    send: ["GET", "/api/v1/runs", { key: `gt_prod_sk_${"z".repeat(24)}` }],
    wantStatus: 401,
    wantCode: "UNAUTHORIZED",
  },
  "something that is no key": {
    send: ["GET", "/api/v1/runs", { key: "hello" }],
    wantStatus: 401,
    wantCode: "UNAUTHORIZED",
  },
  "another scheme": {
    send: ["GET", "/api/v1/runs", { key: "", headers: { authorization: "Basic abc" } }],
    wantStatus: 401,
    wantCode: "UNAUTHORIZED",
    wantText: /Bearer/,
  },
  "a forged token": {
    send: ["GET", "/api/v1/runs", { key: "eyJhbGciOiJub25lIn0.eyJwdWIiOnRydWUsInN1YiI6ImVudl8xIn0." }],
    wantStatus: 401,
    wantCode: "UNAUTHORIZED",
  },
  "bad JSON": { send: ["POST", TRIGGER, { body: '{"payload": ' }], wantStatus: 400, wantCode: "BAD_JSON" },
  "JSON that is not UTF-8": {
    send: ["POST", TRIGGER, { body: new Uint8Array([0x22, 0xff, 0x22]) }],
    wantStatus: 400,
    wantCode: "BAD_JSON",
  },
  "a body of another type": {
    send: ["POST", TRIGGER, { body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } }],
    wantStatus: 415,
    wantCode: "UNSUPPORTED_MEDIA_TYPE",
  },
  "a compressed body": {
    send: ["POST", TRIGGER, { body: "{}", headers: { "content-encoding": "gzip" } }],
    wantStatus: 415,
    wantCode: "UNSUPPORTED_MEDIA_TYPE",
  },
  "an array where an object belongs": {
    send: ["POST", TRIGGER, { body: [] }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "an unknown task": {
    send: ["POST", "/api/v1/tasks/imprt/trigger", { body: {} }],
    wantStatus: 404,
    wantCode: "TASK_NOT_FOUND",
  },
  "an unknown option": {
    send: trigger({ dealy: "1h" }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /unknown field "dealy"; did you mean "delay"\?/,
  },
  "an unknown field": {
    send: ["POST", TRIGGER, { body: { paylod: 1 } }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /did you mean "payload"/,
  },
  "an option that is not built": {
    send: trigger({ debounce: { key: "a", delay: "1s" } }),
    wantStatus: 422,
    wantCode: "UNSUPPORTED_OPTION",
    wantText: /debounce/,
  },
  "a region": { send: trigger({ region: "eu" }), wantStatus: 422, wantCode: "UNSUPPORTED_OPTION", wantText: /region/ },
  "waiting for the run": {
    send: trigger({ resumeParentOnCompletion: true }),
    wantStatus: 422,
    wantCode: "UNSUPPORTED_OPTION",
  },
  "a deployment of another system": {
    send: trigger({ externalDeploymentId: "abc" }),
    wantStatus: 422,
    wantCode: "UNSUPPORTED_OPTION",
  },
  "a delay that is none": { send: trigger({ delay: "tomorrow" }), wantStatus: 422, wantCode: "INVALID_DELAY" },
  "a delay of the wrong type": {
    send: trigger({ delay: 5 }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /options\.delay/,
  },
  "a ttl that is none": {
    send: trigger({ ttl: "soon" }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /ttl/,
  },
  "a negative ttl": { send: trigger({ ttl: -1 }), wantStatus: 400, wantCode: "VALIDATION_FAILED" },
  "too many attempts": { send: trigger({ maxAttempts: 251 }), wantStatus: 400, wantCode: "VALIDATION_FAILED" },
  "no attempt": { send: trigger({ maxAttempts: 0 }), wantStatus: 400, wantCode: "VALIDATION_FAILED" },
  "ten thousand tags": {
    send: trigger({ tags: Array.from({ length: 10_000 }, (_, index) => `t${index}`) }),
    wantStatus: 422,
    wantCode: "TOO_MANY_TAGS",
    wantText: /tagsPerRun is 10/,
  },
  "a long tag": {
    send: trigger({ tags: "x".repeat(129) }),
    wantStatus: 422,
    wantCode: "TOO_MANY_TAGS",
    wantText: /tagCharacters is 128/,
  },
  "a tag with a NUL": {
    send: trigger({ tags: ["a\0b"] }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /NUL/,
  },
  "a long idempotency key": {
    send: trigger({ idempotencyKey: "x".repeat(2049) }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "an empty idempotency key": { send: trigger({ idempotencyKey: "" }), wantStatus: 400, wantCode: "VALIDATION_FAILED" },
  "metadata that is no object": {
    send: trigger({ metadata: [1] }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /metadata/,
  },
  "metadata over its limit": {
    send: trigger({ metadata: { a: "x".repeat(256 * 1024) } }),
    wantStatus: 413,
    wantCode: "METADATA_TOO_LARGE",
    wantText: /metadataBytes/,
  },
  "an unknown machine": {
    send: trigger({ machine: "medium-3x" }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /did you mean "medium-/,
  },
  "a payload over the limit": {
    send: trigger({ payloadType: "text/plain" }, "x".repeat(3 * 1024 * 1024 + 1)),
    wantStatus: 413,
    wantCode: "PAYLOAD_TOO_LARGE",
    wantText: /payloadBytes/,
  },
  "a body far over the limit": {
    send: trigger({}, "x".repeat(9 * 1024 * 1024)),
    wantStatus: 413,
    wantCode: "PAYLOAD_TOO_LARGE",
    wantText: /payloadBytes/,
  },
  "a payload that is said to be JSON and is not": {
    send: trigger({ payloadType: "application/json" }, "{oops"),
    wantStatus: 400,
    wantCode: "BAD_JSON",
  },
  "a payload type that is none": {
    send: trigger({ payloadType: "text/html" }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "an upload that never was": {
    send: trigger({ payloadType: "application/store" }, "nowhere/x.json"),
    wantStatus: 404,
    wantCode: "PACKET_NOT_FOUND",
  },
  "an upload without a name": {
    send: trigger({ payloadType: "application/store" }, { a: 1 }),
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "a payload nested a hundred thousand deep": {
    send: ["POST", TRIGGER, { body: `{"payload":${deep(100_000)}}` }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "a malformed run id": { send: ["GET", "/api/v3/runs/run_nope"], wantStatus: 400, wantCode: "MALFORMED_ID" },
  "an unknown run": {
    send: ["GET", "/api/v3/runs/run_00000000000000000000000000"],
    wantStatus: 404,
    wantCode: "RUN_NOT_FOUND",
  },
  "a path that cannot be decoded": { send: ["GET", "/api/v3/runs/%E0%A4%A"], wantStatus: 400, wantCode: "BAD_REQUEST" },
  "a status that is none": {
    send: ["GET", "/api/v1/runs?filter%5Bstatus%5D=COMPLETE"],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /did you mean "COMPLETED"/,
  },
  "a filter that is none": {
    send: ["GET", "/api/v1/runs?filter%5Bstats%5D=x"],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "a page too large": {
    send: ["GET", "/api/v1/runs?page%5Bsize%5D=101"],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "a cursor that is none": {
    send: ["GET", "/api/v1/runs?page%5Bafter%5D=5"],
    wantStatus: 400,
    wantCode: "MALFORMED_ID",
  },
  "an unknown queue": {
    send: ["GET", "/api/v1/queues/nope?type=custom"],
    wantStatus: 404,
    wantCode: "QUEUE_NOT_FOUND",
  },
  "a negative concurrency limit": {
    send: ["POST", "/api/v1/queues/queue_1/concurrency/override", { body: { type: "id", concurrencyLimit: -1 } }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "an empty batch": {
    send: ["POST", "/api/v3/batches", { body: { runCount: 0 } }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "a batch over its limit": {
    send: ["POST", "/api/v3/batches", { body: { runCount: 1001 } }],
    wantStatus: 422,
    wantCode: "TOO_MANY_ITEMS",
    wantText: /batchItems/,
  },
  "items of an unknown batch": {
    send: ["POST", "/api/v3/batches/batch_00000000000000000000000000/items", { body: "{}" }],
    wantStatus: 404,
    wantCode: "BATCH_NOT_FOUND",
  },
  "two tasks with one id": {
    send: [
      "POST",
      "/api/v1/deployments",
      {
        body: {
          manifest: {
            manifestVersion: 1,
            sdkVersion: "1",
            runtime: "node",
            tasks: [
              { id: "a", filePath: "a" },
              { id: "a", filePath: "b" },
            ],
            queues: [],
            entry: "e",
          },
          source: { kind: "local", bundleDir: "/b", projectDir: "/p" },
        },
      },
    ],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
    wantText: /Two tasks have the id "a"/,
  },
  "an unknown version": {
    send: ["POST", "/api/v1/deployments/20200101.1/promote"],
    wantStatus: 404,
    wantCode: "DEPLOYMENT_NOT_FOUND",
  },
  "a path that is none": { send: ["GET", "/api/v1/nothing"], wantStatus: 404, wantCode: "NOT_FOUND" },
  "a method that is none": { send: ["DELETE", "/api/v3/runs/run_1"], wantStatus: 405, wantCode: "METHOD_NOT_ALLOWED" },
  "a realtime subscription": {
    send: ["GET", "/realtime/v1/runs/run_1"],
    wantStatus: 501,
    wantCode: "NOT_IMPLEMENTED",
    wantText: /Poll/,
  },
  "a scope that nobody has": {
    send: ["POST", "/api/v1/auth/public-tokens", { body: { scopes: ["delete:everything"] } }],
    wantStatus: 403,
    wantCode: "FORBIDDEN",
  },
  "a token for a thousand years": {
    send: ["POST", "/api/v1/auth/public-tokens", { body: { scopes: ["read:runs"], expirationTime: "52000w" } }],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
  "metadata operations that are none": {
    send: [
      "PUT",
      "/api/v1/runs/run_00000000000000000000000000/metadata",
      { body: { operations: [{ type: "explode" }] } },
    ],
    wantStatus: 400,
    wantCode: "VALIDATION_FAILED",
  },
};

const SCHEDULES = "/api/v1/schedules";
const UNKNOWN_SCHEDULE = `${SCHEDULES}/sched_00000000000000000000000000`;
const schedule = (body: Record<string, unknown>): Call => [
  "POST",
  SCHEDULES,
  { body: { task: "report", cron: "0 5 * * *", deduplicationKey: "a", ...body } },
];
const wrong = (send: Call, wantText: RegExp) => ({ send, wantStatus: 400, wantCode: "VALIDATION_FAILED", wantText });
Object.assign(cases, {
  "a malformed schedule id": { send: ["GET", `${SCHEDULES}/run_1`], wantStatus: 400, wantCode: "MALFORMED_ID" },
  "an unknown schedule": { send: ["GET", UNKNOWN_SCHEDULE], wantStatus: 404, wantCode: "SCHEDULE_NOT_FOUND" },
  "a deletion of an unknown schedule": {
    send: ["DELETE", UNKNOWN_SCHEDULE],
    wantStatus: 404,
    wantCode: "SCHEDULE_NOT_FOUND",
  },
  "a pause of an unknown schedule": {
    send: ["POST", `${UNKNOWN_SCHEDULE}/deactivate`],
    wantStatus: 404,
    wantCode: "SCHEDULE_NOT_FOUND",
  },
  "a run of an unknown schedule": {
    send: ["POST", `${UNKNOWN_SCHEDULE}/run`],
    wantStatus: 404,
    wantCode: "SCHEDULE_NOT_FOUND",
  },
  "a schedule of an unknown task": {
    send: schedule({ task: "reprot" }),
    wantStatus: 404,
    wantCode: "TASK_NOT_FOUND",
    wantText: /Did you mean "report"\?/,
  },
  "a schedule of a task that has no schedule's payload": {
    send: schedule({ task: "import" }),
    wantStatus: 422,
    wantCode: "TASK_NOT_SCHEDULED",
  },
  "a schedule without a key": wrong(
    ["POST", SCHEDULES, { body: { task: "report", cron: "@daily" } }],
    /deduplicationKey/,
  ),
  "a cron pattern with four fields": wrong(schedule({ cron: "0 5 * *" }), /cron.*4 fields; five are needed/s),
  "a cron pattern with a 61st minute": wrong(schedule({ cron: "60 * * * *" }), /cron.*minute/s),
  "a cron pattern that never comes": wrong(schedule({ cron: "0 0 30 2 *" }), /never comes/),
  "a time zone that is none": wrong(schedule({ timezone: "Europe/Berln" }), /timezone.*IANA/s),
  "a jitter that is none": wrong(schedule({ jitter: "soon" }), /jitter.*percentage/s),
  "a jitter of two days": wrong(schedule({ jitter: "48h" }), /jitter/),
  "Trigger.dev's window that is none": wrong(schedule({ window: "120%" }), /window/),
  "an overlap policy that is none": wrong(schedule({ overlap: "maybe" }), /overlap/),
  "a catch-up window of a month": wrong(schedule({ catchUp: { policy: "all", within: "30d" } }), /a week/),
  "a catch-up window that is none": wrong(schedule({ catchUp: { policy: "all", within: "soon" } }), /catchUp/),
  "an external id that Postgres cannot hold": wrong(schedule({ externalId: "a\0b" }), /externalId/),
  "a preview of too many": wrong(["POST", `${SCHEDULES}/preview`, { body: { cron: "@daily", count: 101 } }], /count/),
} satisfies typeof cases);

/** One row per mistake: what comes back names it, and no run is made. */
export function describeBadInput(start: () => Promise<BadInputSubject>): void {
  let subject: BadInputSubject;
  let call: ReturnType<typeof caller>;
  beforeAll(async () => {
    subject = await start();
    call = (method, path, options) => caller(subject.url)(method, path, { key: subject.key, ...options });
  });

  describe("bad input gets a clear error and does nothing", () => {
    test.each(Object.entries({ ...cases, ...TOKEN_CASES }))(
      "%s",
      async (_title, { send, wantStatus, wantCode, wantText }) => {
        const before = await subject.countRuns();
        const answer = await call(...send);
        expect({ status: answer.status, code: answer.body.code }).toEqual({ status: wantStatus, code: wantCode });
        expect(answer.body.error).toMatch(wantText ?? /\w/);
        expect(answer.headers.get("x-request-id")).toMatch(/\w/);
        expect(await subject.countRuns()).toBe(before);
      },
    );
  });

  test("a run of another environment is not there", async () => {
    const { body } = await call("POST", TRIGGER, { body: { payload: 1 } });
    for (const [method, path] of [
      ["GET", `/api/v3/runs/${body.id}`],
      ["POST", `/api/v2/runs/${body.id}/cancel`],
      ["POST", `/api/v1/runs/${body.id}/replay`],
      ["GET", `/api/v1/runs/${body.id}/events`],
      ["GET", `/api/v1/runs/${body.id}/journal`],
    ] as const) {
      expect(await call(method, path, { key: subject.otherKey })).toMatchObject({
        status: 404,
        body: { code: "RUN_NOT_FOUND" },
      });
    }
  });

  test("a token of another environment is not there, and its address alone completes it", async () => {
    const { body } = await call("POST", TOKENS, { body: { tags: ["mine"] } });
    const own = `${TOKENS}/${body.id}`;
    for (const [method, path, sent] of [
      ["GET", own],
      ["POST", `${own}/complete`, {}],
    ] as const) {
      expect(await call(method, path, { key: subject.otherKey, body: sent })).toMatchObject({
        status: 404,
        body: { code: "TOKEN_NOT_FOUND" },
      });
    }
    expect((await call("GET", TOKENS, { key: subject.otherKey })).body.data).toEqual([]);
    expect((await call("GET", own)).body.status).toBe("WAITING");
  });

  test("a body that lies about its length is cut off at the limit", async () => {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1024 * 1024;
        controller.enqueue(new Uint8Array(1024 * 1024).fill(32));
        if (sent > 20 * 1024 * 1024) controller.close();
      },
    });
    const response = await fetch(subject.url + TRIGGER, {
      method: "POST",
      headers: { authorization: `Bearer ${subject.key}`, "content-type": "application/json" },
      body,
      duplex: "half",
    } as RequestInit);
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ code: "PAYLOAD_TOO_LARGE", details: { limit: "payloadBytes" } });
  });

  test("a NUL in a payload survives", async () => {
    const { body } = await call("POST", TRIGGER, { body: { payload: { text: "a\0b" } } });
    expect((await call("GET", `/api/v3/runs/${body.id}`)).body.payload).toEqual({ text: "a\0b" });
  });
}
