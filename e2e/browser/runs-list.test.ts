import type { Page } from "playwright-core";
import { describe, expect, test, vi } from "vitest";
import { eventually } from "../support/eventually.ts";
import { browserStage } from "./support/browser-stage.ts";
import { manyRuns } from "./support/many-runs.ts";

const RUNS = 50_000;
// A page takes seconds where the machine is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });
const stage = browserStage();
const MARKUP = `<img src=x onerror="window.hacked=1"><script>window.hacked=1</script>`;

const rowsOf = (page: Page) => page.locator("[data-row]");
const table = (page: Page) => page.getByRole("table", { name: "Runs" });

async function fill(count: number, more: { tasks?: string[]; tags?: string[] } = {}): Promise<void> {
  const { pool } = stage.get().here;
  const { rows } = await pool.query<{ id: number }>("select id from environment where slug = 'prod'");
  for (const statement of manyRuns({ environmentId: rows[0]?.id as number, count, ...more }))
    await pool.query(statement);
}

/** The list, loaded. */
async function open(query = "", options = {}): Promise<Page> {
  const page = await stage.get().page(options);
  await page.goto(stage.get().path(`runs${query}`));
  await rowsOf(page).first().waitFor();
  return page;
}

describe("a list of 50,000 runs", () => {
  test("opens and scrolls with at most a hundred rows in the document", async () => {
    await fill(RUNS);
    const page = await open();
    const seen = new Set<string>();
    let most = 0;
    // A scroll that comes before the next page goes no further than the end of those that are there.
    for (let step = 0; step < 40 || seen.size <= 1_000; step++) {
      await table(page).evaluate((element) => element.scrollBy(0, 1_600));
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const indexes = await rowsOf(page).evaluateAll((rows) =>
        rows.map((row) => row.getAttribute("aria-rowindex") ?? ""),
      );
      most = Math.max(most, indexes.length);
      for (const index of indexes) seen.add(index);
      if (step === 20) await stage.get().screenshot(page, "runs-50000-scrolled");
      // Pages are loaded as their rows come near.
      if (step % 2 === 1) await page.waitForFunction(() => !document.body.textContent?.includes("Loading more"));
    }
    expect(most).toBeGreaterThan(15);
    expect(most).toBeLessThanOrEqual(100);
    expect(seen.size).toBeGreaterThan(1_000);
  });

  test("loads as many pages as are looked at, and no more", async () => {
    const page = await stage.get().page();
    const asked: string[] = [];
    page.on("request", (request) => request.url().includes("/api/v1/runs?") && asked.push(request.url()));
    await page.goto(stage.get().path("runs"));
    await rowsOf(page).first().waitFor();
    await page.waitForLoadState("networkidle");
    expect(asked.length).toBeLessThanOrEqual(3);
  });
});

describe("filters", () => {
  test("stand in the address, survive a reload, and are taken away one by one", async () => {
    const page = await open();
    await page.getByRole("button", { name: "Status" }).click();
    await page.getByRole("checkbox", { name: "Failed", exact: true }).check();
    await page.keyboard.press("Escape");
    await page.waitForURL(/status=FAILED/);
    await onlyStatus(page, "Failed");
    await page.getByRole("searchbox", { name: "Search runs" }).fill("transcode");
    await page.waitForURL(/search=transcode/);
    await page.reload();
    await rowsOf(page).first().waitFor();
    await onlyStatus(page, "Failed");
    expect(await page.getByRole("searchbox", { name: "Search runs" }).inputValue()).toBe("transcode");
    await eventually("rows of one task", async () => {
      const names = await rowsOf(page).getByRole("link").allTextContents();
      return names.length > 0 && names.every((name) => name === "transcode-video") ? true : undefined;
    });
    await stage.get().screenshot(page, "runs-filtered");
    await page.getByRole("button", { name: "Remove the filter Status" }).click();
    await page.waitForURL((url) => !url.search.includes("status"));
  });

  test("that nothing matches say so, and lead back", async () => {
    const page = await stage.get().page();
    await page.goto(stage.get().path("runs?tag=nobody&period=1h"));
    await page.getByRole("heading", { name: "No run matches" }).waitFor();
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await rowsOf(page).first().waitFor();
    expect(new URL(page.url()).search).toBe("");
  });

  test("that the API refuses are an error with its code and a way on", async () => {
    const page = await stage.get().page({ mayComplain: /status of 400|status of 422/ });
    await page.goto(stage.get().path("runs?batch=nonsense"));
    const alert = page.getByRole("alert");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/MALFORMED_ID|VALIDATION_FAILED/);
    await page.getByRole("button", { name: "Clear the filters" }).click();
    await rowsOf(page).first().waitFor();
  });
});

describe("new runs", () => {
  test("appear at the top, and wait behind a button while somebody reads further down", async () => {
    const { api } = stage.get().here;
    const page = await open();
    await page.locator('[data-connection="live"]:visible').waitFor();
    const first = await api.trigger("noop", { n: 1 });
    await linkTo(page, first).waitFor();
    await rowsOf(page).first().getByText("Completed").waitFor();

    await table(page).evaluate((element) => element.scrollTo(0, 2_000));
    const before = await eventually(
      "rows where it was scrolled to",
      async () => (await firstInSight(page)) ?? undefined,
    );
    await Promise.all([1, 2, 3].map((n) => api.trigger("noop", { n })));
    const pill = page.getByRole("button", { name: "3 new runs" });
    await pill.waitFor();
    expect(await firstInSight(page)).toBe(before);
    await stage.get().screenshot(page, "runs-new-waiting");
    await pill.click();
    await eventually("the top of the list", async () =>
      (await table(page).evaluate((element) => element.scrollTop)) === 0 ? true : undefined,
    );
    await pill.waitFor({ state: "detached" });
  });
});

describe("without a mouse", () => {
  test("runs are walked through, opened, left and searched", async () => {
    const page = await open("?task=sync-inventory");
    for (const key of ["j", "j", "k", "j"]) await page.keyboard.press(key);
    const active = await rowsOf(page).nth(1).getByRole("link").getAttribute("href");
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === active);
    // The address changes before the page does: until then the list of before is there.
    await page.getByRole("button", { name: "Replay", exact: true }).waitFor();
    await page.goBack();
    await rowsOf(page).first().waitFor();
    await page.keyboard.press("/");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("runs-search");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog", { name: "Keyboard" }).waitFor({ state: "detached" });
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Where to" }).fill("queu");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/queues$/);
  });
});

describe("many runs at once", () => {
  test("are replayed, with what has been done so far in sight", async () => {
    const { api } = stage.get().here;
    const ids = await Promise.all([1, 2, 3].map((n) => api.trigger("noop", { n }, { tags: ["again"] })));
    await Promise.all(ids.map((id) => api.untilStatus(id, "COMPLETED")));
    const page = await open("?tag=again");
    await page.getByRole("checkbox", { name: "Select all loaded runs" }).check();
    await page.getByRole("toolbar", { name: "Selected runs" }).getByRole("button", { name: "Replay" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Replay 3 runs" }).click();
    await page.getByText("Replayed").waitFor();
    await page.getByRole("link", { name: "Show these runs" }).click();
    await page.waitForURL(/bulk=bulk_/);
    await eventually("the three new runs", async () => ((await rowsOf(page).count()) === 3 ? true : undefined));
    await stage.get().screenshot(page, "runs-bulk");
  });
});

describe("what users write", () => {
  test("is text, in tags, task ids and searches, and no inline script could run", async () => {
    await fill(20, { tasks: [MARKUP], tags: [MARKUP, "javascript:window.hacked=1"] });
    const page = await open(`?search=${encodeURIComponent(MARKUP)}`);
    await page.goto(stage.get().path(`runs?tag=${encodeURIComponent(MARKUP)}`));
    await rowsOf(page).first().waitFor();
    expect(await rowsOf(page).first().textContent()).toContain(MARKUP);
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "window.hacked = 1";
      document.body.append(script);
    });
    expect(await page.evaluate(() => (window as { hacked?: number }).hacked)).toBeUndefined();
    stage.get().complaints.splice(0);
  });
});

async function onlyStatus(page: Page, want: string): Promise<void> {
  await eventually(`only runs that are ${want}`, async () => {
    const words = await rowsOf(page).locator('[role="cell"]:nth-child(3)').allTextContents();
    return words.length > 0 && words.every((word) => word === want) ? true : undefined;
  });
}

const linkTo = (page: Page, runId: string) => page.locator(`a[href$="/runs/${runId}"]`);

/** The first row below the header, by its link; null while the rows of that place are not drawn. */
function firstInSight(page: Page): Promise<string | null> {
  return table(page).evaluate((element) => {
    const top = element.getBoundingClientRect().top + 40;
    const tops = [...element.querySelectorAll("[data-row]")].map((row) => ({
      row,
      at: row.getBoundingClientRect().top,
    }));
    // Rows are 40 px high.
    const row = tops.find(({ at }) => at >= top && at < top + 40)?.row;
    return row?.querySelector("a")?.getAttribute("href") ?? null;
  });
}
