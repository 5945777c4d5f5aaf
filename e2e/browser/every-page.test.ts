import type { Page } from "playwright-core";
import { describe, expect, test, vi } from "vitest";
import { overflow, seriousViolations } from "./support/accessibility.ts";
import { browserStage } from "./support/browser-stage.ts";
import { manyRuns } from "./support/many-runs.ts";

const PAGES = [
  "runs",
  "errors",
  "tasks",
  "test",
  "queues",
  "schedules",
  "batches",
  "tokens",
  "deployments",
  "variables",
  "keys",
  "cluster",
  "limits",
  "members",
  "audit",
  "account",
];
// A page takes seconds where the machine is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });
const stage = browserStage();
let isFilled = false;

/** Something to show on each page. */
async function fill(): Promise<void> {
  if (isFilled) return;
  isFilled = true;
  const { here } = stage.get();
  const { rows } = await here.pool.query<{ id: number }>("select id from environment where slug = 'prod'");
  for (const statement of manyRuns({ environmentId: rows[0]?.id as number, count: 300 }))
    await here.pool.query(statement);
  const failed = await here.api.trigger("invoice", { customer: "Ada", cents: -1 });
  await here.api.untilStatus(failed, "FAILED");
}

async function open(path: string, options: Parameters<ReturnType<typeof stage.get>["page"]>[0]): Promise<Page> {
  await fill();
  const page = await stage.get().page(options);
  await page.goto(stage.get().path(path));
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  // Skeletons are gone; what comes later is the page's own business.
  await page.waitForFunction(() => document.querySelector("main [aria-label=Loading], main [aria-busy=true]") === null);
  return page;
}

describe("every page", () => {
  test.each(PAGES)("%s can be read and used by everybody, by day, by night and on a phone", async (path) => {
    const page = await open(path, { colorScheme: "light", reducedMotion: "reduce" });
    await stage.get().screenshot(page, `page-${path}-light`);
    const found = { light: await seriousViolations(page), dark: [] as string[] };
    await page.emulateMedia({ colorScheme: "dark" });
    await stage.get().screenshot(page, `page-${path}-dark`);
    found.dark = await seriousViolations(page);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole("button", { name: "Menu" }).waitFor();
    await stage.get().screenshot(page, `page-${path}-390`);
    expect({ ...found, overflow: await overflow(page) }).toEqual({ light: [], dark: [], overflow: 0 });
  });
});

describe("on a phone", () => {
  test("the menu opens, leads on and closes behind it", async () => {
    const page = await open("runs", { viewport: { width: 390, height: 844 } });
    await page.getByRole("button", { name: "Menu" }).click();
    await page.getByRole("navigation", { name: "Pages" }).getByRole("link", { name: "Queues" }).click();
    await page.waitForURL(/\/queues$/);
    await page.getByRole("button", { name: "Menu" }).waitFor();
  });
});

test("who wants less motion gets none", async () => {
  const page = await open("runs", { reducedMotion: "reduce" });
  const longest = await page.evaluate(() =>
    Math.max(...document.getAnimations().map((each) => Number(each.effect?.getComputedTiming().duration ?? 0)), 0),
  );
  expect(longest).toBeLessThan(1);
});
