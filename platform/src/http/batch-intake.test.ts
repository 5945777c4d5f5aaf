import { describe, expect, test } from "vitest";
import { MANIFEST } from "../../test/support/fake-engine.ts";
import { KEY, OTHER_KEY, PROD, serveHttp } from "../../test/support/served-http.ts";

const { call, engine, url } = await serveHttp();
const create = async (runCount: number, fields: object = {}) =>
  (await call("POST", "/api/v3/batches", { body: { runCount, ...fields } })).body;
const line = (index: number, fields: object = {}) =>
  JSON.stringify({ index, task: "import", payload: index, ...fields });
const send = (batchId: unknown, lines: string[], key = KEY) =>
  call("POST", `/api/v3/batches/${String(batchId)}/items`, {
    key,
    body: lines.join("\n"),
    headers: { "content-type": "application/x-ndjson" },
  });

describe("items of a batch", () => {
  test("are sealed once all have come, in as many requests as it takes", async () => {
    const { id } = await create(3);
    expect((await send(id, [line(0)])).body).toMatchObject({
      itemsAccepted: 1,
      sealed: false,
      enqueuedCount: 1,
      expectedCount: 3,
    });
    expect((await send(id, [line(1), line(2)])).body).toMatchObject({ itemsAccepted: 2, sealed: true });
    expect((await call("GET", `/api/v2/batches/${id}`)).body.runs).toHaveLength(3);
  });

  test("sent again make no second run, before and after the batch is sealed", async () => {
    const { id } = await create(2);
    await send(id, [line(0)]);
    const before = engine.requests.length;
    expect((await send(id, [line(0), line(1)])).body).toMatchObject({
      itemsAccepted: 1,
      itemsDeduplicated: 1,
      sealed: true,
    });
    expect((await send(id, [line(0), line(1)])).body).toMatchObject({
      itemsAccepted: 0,
      itemsDeduplicated: 2,
      sealed: true,
    });
    expect(engine.requests.length).toBe(before + 1);
  });

  const refused: Record<string, { lines: string[]; wantStatus: number; wantText: RegExp }> = {
    "that are no JSON": { lines: [line(0), "{oops"], wantStatus: 400, wantText: /^Line 2: .*JSON/ },
    "with an unknown option": {
      lines: [line(0, { options: { dealy: "1h" } })],
      wantStatus: 400,
      wantText: /^Line 1: .*did you mean "delay"/,
    },
    "with an option that is not built": {
      lines: [line(0, { options: { region: "eu" } })],
      wantStatus: 422,
      wantText: /^Line 1: .*region/,
    },
    "beyond the batch's count": {
      lines: [line(2)],
      wantStatus: 422,
      wantText: /index 2 is beyond the batch's 2 items/,
    },
    "without a task": { lines: ['{"index":0}'], wantStatus: 400, wantText: /^Line 1: .*task/ },
    "that are none": { lines: [""], wantStatus: 400, wantText: /no items/ },
    "too large": {
      lines: [line(0, { payload: "x".repeat(3 * 1024 * 1024) })],
      wantStatus: 413,
      wantText: /payloadBytes/,
    },
  };
  test.each(Object.entries(refused))(
    "%s are refused by their line",
    async (_title, { lines, wantStatus, wantText }) => {
      const { id } = await create(2);
      const { status, body } = await send(id, lines);
      expect({ status, error: body.error }).toEqual({ status: wantStatus, error: expect.stringMatching(wantText) });
    },
  );

  test("of another environment's batch are refused", async () => {
    const { id } = await create(1);
    expect(await send(id, [line(0)], OTHER_KEY)).toMatchObject({ status: 404, body: { code: "BATCH_NOT_FOUND" } });
  });

  test("are triggered while the client still sends: it need not hold them all, and neither does the platform", async () => {
    const { id } = await create(1000);
    let sent = 0;
    const before = engine.requests.length;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (sent === 1000) {
          // The body has not ended yet.
          await expect.poll(() => engine.requests.length).toBeGreaterThan(before);
          return controller.close();
        }
        controller.enqueue(
          new TextEncoder().encode(`${Array.from({ length: 100 }, (_, at) => line(sent + at)).join("\n")}\n`),
        );
        sent += 100;
      },
    });
    const headers = { authorization: `Bearer ${KEY}`, "content-type": "application/x-ndjson" };
    const answer = await fetch(`${url}/api/v3/batches/${String(id)}/items`, {
      method: "POST",
      headers,
      body,
      duplex: "half",
    } as RequestInit);
    expect(await answer.json()).toMatchObject({ itemsAccepted: 1000, sealed: true });
  });
});

describe("a batch", () => {
  test("of a task that the current version lacks is refused before anything is made", async () => {
    const source = { kind: "image" as const, repository: "", digest: "" };
    await engine.deploymentService().register(PROD, { manifest: MANIFEST, source, promote: true });
    const answer = await call("POST", "/api/v3/batches", { body: { runCount: 1, taskIdentifiers: ["imprt"] } });
    expect(answer).toMatchObject({
      status: 404,
      body: { code: "TASK_NOT_FOUND", error: expect.stringContaining('did you mean "import"?') },
    });
    engine.versions.length = 0;
  });

  test("whose items never came is filled by the next call with its key", async () => {
    const first = await create(1, { idempotencyKey: "half" });
    const again = await create(1, { idempotencyKey: "half" });
    expect(again).toMatchObject({ id: first.id, isCached: false });
    await send(again.id, [line(0)]);
    expect(await create(1, { idempotencyKey: "half" })).toMatchObject({ id: first.id, isCached: true });
  });

  test("in one body gives its runs in order", async () => {
    const { body } = await call("POST", "/api/v1/tasks/import/batch", {
      body: { items: [{ payload: 1 }, { payload: 2 }] },
    });
    const [first, second] = body.runs as [string, string];
    expect((await call("GET", `/api/v3/runs/${first}`)).body).toMatchObject({ payload: 1, batchId: body.batchId });
    expect((await call("GET", `/api/v3/runs/${second}`)).body).toMatchObject({ payload: 2 });
  });
});
