import { randomUUID } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { browserStage } from "./browser-stage.ts";
import { CuttableProxy } from "./cuttable-proxy.ts";
import { HooksPage, type ReactMajor, shown, untilShown } from "./hooks-page.ts";
import { RestOnlyProxy } from "./rest-only-proxy.ts";

// A page takes seconds where the machine is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });

interface Shown {
  run?: { status: string; metadata?: Record<string, unknown>; output?: unknown; at: boolean };
  error?: { message: string; code?: string };
  connection: string;
  connectionReason: string;
}

/** When React has committed so far, in milliseconds since the page's start. */
function commitsOf(page: Page): Promise<number[]> {
  return page.evaluate(() => (globalThis as unknown as { commits: number[] }).commits);
}

/** What is promised of the hooks, in a browser, on one version of React. */
export function hooksSuite(major: ReactMajor): void {
  const stage = browserStage();
  let hooks: HooksPage;
  beforeAll(async () => {
    hooks = await HooksPage.serve(major);
  });
  afterAll(() => hooks.close());

  const { get } = stage;
  const api = () => get().here.api;
  const open = (gate: string) => writeFile(join(get().here.project.effectsDir, gate), "");
  const gates = (count: number) => Array.from({ length: count }, () => `gate-${randomUUID()}`);

  async function tokenFor(scopes: string[], expirationTime = "10m"): Promise<string> {
    const body = { scopes, expirationTime };
    return (await api().call<{ token: string }>("POST", "/api/v1/auth/public-tokens", body)).token;
  }

  /** A page that shows a run, with a token that may read it. */
  async function pageOf(id: string, { view = "run", baseURL = get().here.platform.url, mayComplain = /^$/ } = {}) {
    const page = await get().page({ mayComplain });
    const token = await tokenFor([`read:runs:${id}`]);
    await page.goto(hooks.at({ view, baseURL, id, token }));
    return page;
  }

  test("runs on the version of React that it is about, rendered by a server and hydrated without a difference", async () => {
    expect(hooks.reactVersion).toMatch(new RegExp(`^${major}\\.`));
    const props = { view: "run", baseURL: get().here.platform.url, id: "run_none", token: "none" };
    const markup = await (await fetch(hooks.at(props))).text();
    expect(markup).toContain("connecting");
  });

  test("metadata that a run sets appears without a reload, and the page stops with the run", async () => {
    const [first, second] = gates(2) as [string, string];
    const id = await api().trigger("progress", { gates: [first, second] });
    const page = await pageOf(id);
    await untilShown<Shown>(page, ({ run }) => run?.metadata?.percent === 0);
    await open(first);
    const half = await untilShown<Shown>(page, ({ run }) => run?.metadata?.percent === 50);
    expect(half).toMatchObject({ connection: "live", run: { status: "EXECUTING", at: true } });
    await open(second);
    expect(await untilShown<Shown>(page, ({ connection }) => connection === "closed")).toMatchObject({
      connectionReason: "ENDED",
      run: { status: "COMPLETED", output: { done: true } },
    });
  });

  test("a connection that is cut for ten seconds: the page says so meanwhile, and ends with the right state", async () => {
    const [first, second, third] = gates(3) as [string, string, string];
    const proxy = await CuttableProxy.to(get().here.platform.url);
    const id = await api().trigger("progress", { gates: [first, second, third] });
    const page = await pageOf(id, { baseURL: proxy.url, mayComplain: /WebSocket|ERR_|Failed to load resource/ });
    await open(first);
    await untilShown<Shown>(page, ({ run }) => run?.metadata?.percent === 33);
    proxy.cut();
    const cutAt = Date.now();
    const cut = await untilShown<Shown>(page, ({ connection }) => connection !== "live", 8_000);
    expect(cut).toMatchObject({ connection: "connecting", run: { metadata: { percent: 33 } } });
    await open(second);
    await page.waitForTimeout(10_000 - (Date.now() - cutAt));
    expect(await shown<Shown>(page)).toMatchObject({ connection: "connecting", run: { metadata: { percent: 33 } } });
    proxy.mend();
    await untilShown<Shown>(page, ({ connection, run }) => connection === "live" && run?.metadata?.percent === 67);
    await open(third);
    expect((await untilShown<Shown>(page, ({ run }) => run?.status === "COMPLETED")).run?.output).toEqual({
      done: true,
    });
    await proxy.close();
  });

  test("a thousand updates a second render the component twenty times a second at most, the last value always", async () => {
    const id = await api().trigger("burst", { forMs: 3000 }, { delay: "1h" });
    const page = await pageOf(id);
    await untilShown<Shown>(page, ({ run }) => run?.status === "DELAYED");
    const idle = await commitsOf(page);
    await api().call("POST", `/api/v1/runs/${id}/reschedule`, { delay: "1s" });
    const last = await untilShown<Shown>(page, ({ run }) => run?.metadata?.isLast === true, 30_000);
    const commits = (await commitsOf(page)).slice(idle.length);
    const seconds = ((commits.at(-1) ?? 0) - (commits[0] ?? 0)) / 1000;
    expect(Number(last.run?.metadata?.n)).toBeGreaterThan(1000);
    expect(commits.length).toBeGreaterThan(10);
    expect(commits.length).toBeLessThanOrEqual(20 * seconds + 1);
    await open("burst-may-end");
    const ended = await untilShown<{ run?: { output?: { n: number } } }>(page, ({ run }) => run?.output !== undefined);
    expect(ended.run?.output?.n).toBe(last.run?.metadata?.n);
  });

  test("where sockets are blocked the page polls, says so, and shows the truth", async () => {
    const [first] = gates(1) as [string];
    const proxy = await RestOnlyProxy.to(get().here.platform.url);
    const id = await api().trigger("progress", { gates: [first] });
    const page = await pageOf(id, { baseURL: proxy.url, mayComplain: /WebSocket/ });
    const polled = await untilShown<Shown>(
      page,
      ({ run, connection }) => run !== undefined && connection === "polling",
    );
    expect(polled.connectionReason).toBe("SOCKET_UNAVAILABLE");
    await open(first);
    await untilShown<Shown>(page, ({ run, connection }) => run?.status === "COMPLETED" && connection === "closed");
    expect(proxy.refused).toBeGreaterThan(0);
    await proxy.close();
  });

  test("a public token for one run reads nothing else, and says why", async () => {
    const [mine, other] = [await api().trigger("noop", 1), await api().trigger("noop", 2)];
    const page = await get().page();
    const token = await tokenFor([`read:runs:${mine}`]);
    await page.goto(hooks.at({ view: "run", baseURL: get().here.platform.url, id: other, token }));
    const { error, run, connection } = await untilShown<Shown>(page, (state) => state.error !== undefined);
    expect(error?.code).toBe("FORBIDDEN");
    expect(error?.message).toContain(`read:runs:${other}`);
    expect([run, connection]).toEqual([undefined, "closed"]);
  });

  describe("a token that expires", () => {
    test("stops working, and the page says what to do", async () => {
      const [gate] = gates(1) as [string];
      const id = await api().trigger("progress", { gates: [gate] });
      // The token's time is the page's alone, not that of the worker's start.
      await eventually("the run's beginning", async () => (await api().run(id)).metadata?.percent === 0 || undefined);
      const page = await get().page();
      const token = await tokenFor([`read:runs:${id}`], "10s");
      await page.goto(hooks.at({ view: "run", baseURL: get().here.platform.url, id, token }));
      await untilShown<Shown>(page, ({ run }) => run?.metadata?.percent === 0);
      const { error } = await untilShown<Shown>(page, (state) => state.error !== undefined);
      expect(error?.code).toBe("TOKEN_EXPIRED");
      await open(gate);
      await api().untilStatus(id, "COMPLETED");
      expect((await shown<Shown>(page)).run?.status).toBe("EXECUTING");
    });

    test("is renewed where it comes from a function: the page goes on, on one socket", async () => {
      const [first, second] = gates(2) as [string, string];
      const id = await api().trigger("progress", { gates: [first, second] });
      const page = await get().page();
      let made = 0;
      await page.exposeFunction("newToken", () => {
        made++;
        return tokenFor([`read:runs:${id}`], "6s");
      });
      const sockets: string[] = [];
      page.on("websocket", (socket) => sockets.push(socket.url()));
      await page.goto(hooks.at({ view: "renewing", baseURL: get().here.platform.url, id }));
      await open(first);
      await untilShown<Shown>(page, ({ run }) => run?.metadata?.percent === 50);
      await page.waitForTimeout(7_500);
      await open(second);
      expect((await untilShown<Shown>(page, ({ run }) => run?.status === "COMPLETED")).error).toBeUndefined();
      expect(made).toBeGreaterThan(1);
      expect(sockets).toHaveLength(1);
    });
  });

  test("a stream grows on the page in order, and ends; the hook for a run with its streams finds it", async () => {
    const [gate] = gates(1) as [string];
    const id = await api().trigger("progress", { gates: [gate] });
    const path = `/realtime/v1/streams/${id}/answer`;
    const append = (sequence: number, chunks: unknown[], end = false) =>
      api().call("POST", path, { producer: "test", sequence, chunks, end });
    await append(0, ["Hel"]);
    const token = await tokenFor([`read:runs:${id}`]);
    const baseURL = get().here.platform.url;
    const [page, both] = [await get().page(), await get().page()];
    await page.goto(hooks.at({ view: "stream", baseURL, id, token, stream: "answer" }));
    await both.goto(hooks.at({ view: "streams", baseURL, id, token }));
    type Parts = { parts: string[]; isEnded: boolean };
    expect((await untilShown<Parts>(page, ({ parts }) => parts.length === 1)).isEnded).toBe(false);
    await append(1, ["lo, ", "world"], true);
    expect((await untilShown<Parts>(page, ({ isEnded }) => isEnded)).parts).toEqual(["Hel", "lo, ", "world"]);
    await open(gate);
    type Streams = { status: string; streams: Record<string, string[]>; connection: string };
    const ended = await untilShown<Streams>(both, ({ connection }) => connection === "closed");
    expect(ended).toMatchObject({ status: "COMPLETED", streams: { answer: ["Hel", "lo, ", "world"] } });
  });

  test("a task is started from the page, with a token that may do nothing else, and followed to its end", async () => {
    const page = await get().page();
    const body = { scopes: ["trigger:tasks:noop"], oneTimeUse: true };
    const { token } = await api().call<{ token: string }>("POST", "/api/v1/auth/public-tokens", body);
    await page.goto(hooks.at({ view: "trigger", baseURL: get().here.platform.url, id: "noop", token }));
    await page.click("button");
    type Triggered = { status?: string; output?: unknown; error?: unknown };
    expect(
      await untilShown<Triggered>(page, ({ status, error }) => status === "COMPLETED" || error !== undefined),
    ).toMatchObject({
      status: "COMPLETED",
      output: { from: "browser" },
    });
  });

  test("a token is completed from the page, and the run that waits for it goes on", async () => {
    const made = await api().request("POST", "/api/v1/waitpoints/tokens", {});
    const { id: tokenId } = (await made.json()) as { id: string };
    const runId = await api().trigger("approval", { token: tokenId });
    await api().untilStatus(runId, "WAITING");
    const page = await get().page();
    const token = made.headers.get("x-trigger-jwt") ?? "";
    await page.goto(hooks.at({ view: "token", baseURL: get().here.platform.url, id: tokenId, token }));
    await page.click("button");
    await untilShown<{ isCompleted: boolean }>(page, ({ isCompleted }) => isCompleted);
    expect((await api().untilStatus(runId, "COMPLETED")).output).toEqual({ ok: true, by: "a person" });
  });

  test("the runs with a tag are shown as they come and change", async () => {
    const tag = `order-${randomUUID()}`;
    const [gate] = gates(1) as [string];
    const page = await get().page();
    const token = await tokenFor([`read:tags:${tag}`]);
    await page.goto(hooks.at({ view: "tag", baseURL: get().here.platform.url, id: tag, token }));
    type Runs = { runs: string[]; isLoaded: boolean };
    expect((await untilShown<Runs>(page, ({ isLoaded }) => isLoaded)).runs).toEqual([]);
    await api().trigger("progress", { gates: [gate] }, { tags: [tag] });
    await untilShown<Runs>(page, ({ runs }) => runs[0] === "EXECUTING");
    await api().trigger("noop", 1, { tags: [tag] });
    await open(gate);
    await untilShown<Runs>(page, ({ runs }) => runs.length === 2 && runs.every((status) => status === "COMPLETED"));
  });
}
