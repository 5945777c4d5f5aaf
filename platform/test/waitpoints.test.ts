import type { Grant, TraceSpan } from "@gantry/sdk/contract";
import { describe, expect, test } from "vitest";
import { durableRuns } from "./support/durable-runs.ts";
import { done, opened } from "./support/journal-acts.ts";

const at = await durableRuns();
const { worker } = at;
const TOKENS = "/api/v1/waitpoints/tokens";

const newToken = async (body: unknown = {}) => {
  const answer = await at.call("POST", TOKENS, body);
  return { id: String(answer.body.id), url: String(answer.body.url) };
};
const complete = (id: string, body: unknown = {}) => at.call("POST", `${TOKENS}/${id}/complete`, body);

/** A run that did a step and waits for a token, on no worker or with its worker held. */
async function waitingFor(tokenId: string, mode: "hold" | "replay" = "replay", started?: Grant) {
  const grant = started ?? (await at.start());
  await worker.journal(grant, 0, [done(0, { key: "charge", label: "charge" }), opened(1, { tokenId }, 1)]);
  await worker.park(grant, 1, mode);
  return grant;
}

describe("a run that waits for a token", () => {
  test("is granted anew with what the token was completed with, and waits in no slot meanwhile", async () => {
    const token = await newToken();
    const { run } = await waitingFor(token.id);
    expect((await at.run(run.id)).status).toBe("WAITING");
    expect((await complete(token.id, { data: { approved: true } })).body).toMatchObject({ isFirst: true });
    const { journal } = await worker.granted(run.id, 1);
    expect(journal?.entries).toMatchObject([
      { kind: "step", completion: { seq: 1, ok: true } },
      { kind: "token", tokenId: token.id, completion: { seq: 2, ok: true, value: '{"approved":true}' } },
    ]);
    const { rows } = await at.platform.pool.query("select count(*)::int as n from run_wake");
    expect(rows[0].n).toBe(0);
  });

  test("is woken in place where its worker was held", async () => {
    const token = await newToken();
    const grant = await waitingFor(token.id, "hold");
    await complete(token.id, { data: 1 });
    await worker.until(() => worker.told.find(({ executionId }) => executionId === grant.executionId));
    expect(await worker.journal(grant, 1)).toMatchObject({
      state: "RUNNING",
      completions: [{ entry: 1, seq: 2, ok: true, value: "1" }],
    });
  });

  test.each([
    ["completed before the wait", (id: string) => complete(id, { data: "early" }), { ok: true, value: '"early"' }],
    [
      "completed twice before the wait",
      async (id: string) => {
        await complete(id, { data: "first" });
        expect((await complete(id, { data: "second" })).body).toEqual({
          success: true,
          status: "COMPLETED",
          isFirst: false,
        });
      },
      { ok: true, value: '"first"' },
    ],
  ])("goes on at once where it was %s", async (_title, before, want) => {
    const { id } = await newToken();
    await before(id);
    const grant = await at.start();
    expect((await worker.journal(grant, 0, [opened(0, { tokenId: id })])).completions).toMatchObject([
      { entry: 0, seq: 1, ...want },
    ]);
  });

  test("gets an error when the token's time is over; completing it after that has no effect", async () => {
    const started = await at.start();
    // Long enough for the wait to begin before it is over.
    const token = await newToken({ timeout: "2s" });
    const { run } = await waitingFor(token.id, "replay", started);
    const { journal } = await worker.granted(run.id, 1);
    const want = { completion: { ok: false, error: { name: "WaitpointTimeoutError" } } };
    expect(journal?.entries[1]).toMatchObject(want);
    expect((await complete(token.id, { data: 1 })).body).toEqual({
      success: true,
      status: "TIMED_OUT",
      isFirst: false,
    });
    expect((await at.get(`${TOKENS}/${token.id}`)).status).toBe("TIMED_OUT");
    const grant = await at.start();
    expect((await worker.journal(grant, 0, [opened(0, { tokenId: token.id })])).completions[0]).toMatchObject(
      want.completion,
    );
  });

  test("is woken by the callback URL, which needs no key", async () => {
    const token = await newToken();
    const { run } = await waitingFor(token.id);
    const response = await fetch(token.url, { method: "POST", body: "state=paid", headers: FORM });
    expect(await response.json()).toMatchObject({ success: true, isFirst: true });
    const { journal } = await worker.granted(run.id, 1);
    expect(journal?.entries[1]?.completion?.value).toBe('{"state":"paid"}');
  });

  test("is woken with all others that wait for it by one completion", async () => {
    const token = await newToken();
    const runs = [];
    for (let n = 0; n < 20; n++) runs.push((await waitingFor(token.id)).run.id);
    await complete(token.id, { data: "go" });
    for (const id of runs) {
      const again = await worker.granted(id, 1);
      expect(again.journal?.entries[1]?.completion?.value).toBe('"go"');
      await worker.complete(again);
    }
  });

  test("cannot wait for a token of another environment", async () => {
    const { body } = await at.call("POST", TOKENS, {}, at.otherKey);
    const grant = await at.start();
    await expect(worker.journal(grant, 0, [opened(0, { tokenId: String(body.id) })])).rejects.toMatchObject({
      code: "TOKEN_NOT_FOUND",
    });
  });
});

const FORM = { "content-type": "application/x-www-form-urlencoded" };

describe("what people see of a run that waits", () => {
  const journal = (id: string, query = "") => at.get(`/api/v1/runs/${id}/journal${query}`);

  test("which runs wait for a token, in its list and alone; a token for it alone does not tell", async () => {
    const token = await newToken({ tags: ["who-waits"] });
    expect(await at.get(`${TOKENS}/${token.id}`)).toMatchObject({ waitingRuns: [] });
    const { run } = await waitingFor(token.id);
    const want = { waitingRuns: [{ id: run.id, taskIdentifier: run.taskId }] };
    expect(await at.get(`${TOKENS}/${token.id}`)).toMatchObject(want);
    expect((await at.get(`${TOKENS}?filter[tags]=who-waits`)).data).toMatchObject([want]);
    const { body } = await at.call("POST", "/api/v1/auth/public-tokens", { scopes: [`read:waitpoints:${token.id}`] });
    const narrow = await at.call("GET", `${TOKENS}/${token.id}`, undefined, String(body.token));
    expect(narrow.body).toMatchObject({ id: token.id, status: "WAITING" });
    expect(narrow.body).not.toHaveProperty("waitingRuns");
    await complete(token.id);
    expect(await at.get(`${TOKENS}/${token.id}`)).toMatchObject({ waitingRuns: [] });
  });

  test("its journal, live and after its end, page by page", async () => {
    const token = await newToken();
    const { run } = await waitingFor(token.id);
    expect((await journal(run.id)).entries).toMatchObject([
      { entry: 0, kind: "step", label: "charge", state: "COMPLETED", output: "value 0", tries: 1 },
      { entry: 1, kind: "token", state: "OPEN", tokenId: token.id },
    ]);
    await complete(token.id, { data: "x".repeat(5000) });
    const again = await worker.granted(run.id, 1);
    await worker.complete(again, "over");
    await at.ended(run.id, "COMPLETED");
    const first = await journal(run.id, "?limit=1");
    expect(first).toMatchObject({ entries: [{ entry: 0 }], next: 0 });
    const second = await journal(run.id, `?limit=1&after=${first.next}`);
    expect(second).toMatchObject({ entries: [{ entry: 1, state: "COMPLETED", outputBytes: 5002 }] });
    expect((second.entries as { outputStart: string }[])[0]?.outputStart).toHaveLength(4096);
    expect(second.next).toBeUndefined();
  });

  test.each([
    ["hold", "WORKER_HELD", /UNSAFE: .*welcome\.ts:14/],
    ["replay", "WORKER_LEFT", /LONG_WAIT/],
  ] as const)("why it is where it is: mode %s", async (mode, wantReason, wantText) => {
    const token = await newToken();
    const { run } = await waitingFor(token.id, mode);
    const { status, reasons } = (await at.get(`/api/v1/runs/${run.id}/explain`)) as {
      status: string;
      reasons: { reason: string; message: string; details?: { waits?: unknown[] } }[];
    };
    expect([status, reasons.map(({ reason }) => reason)]).toEqual(["WAITING", ["WAITING", wantReason]]);
    expect(reasons[0]?.details?.waits).toMatchObject([{ entry: 1, kind: "token" }]);
    expect(reasons[1]?.message).toMatch(wantText);
  });

  test("its trace, with its steps and waits as spans, and why its worker stays", async () => {
    const token = await newToken();
    const { run } = await waitingFor(token.id, "hold");
    const { trace } = (await at.get(`/api/v1/runs/${run.id}/trace`)) as { trace: { rootSpan: TraceSpan } };
    const [attempt] = trace.rootSpan.children;
    expect(attempt?.children.map(({ data }) => [data.message, data.isPartial])).toEqual([
      ["step charge", false],
      ["wait for token wait 1", true],
    ]);
    expect(attempt?.children[1]?.data.properties).toMatchObject({
      tokenId: token.id,
      checkpoint: { mode: "hold", reason: "UNSAFE" },
    });
  });
});
