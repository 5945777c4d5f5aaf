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
  await page.waitForLoadState("networkidle");
  return page;
}

for (const colorScheme of ["light", "dark"] as const)
  describe(`in ${colorScheme} colours`, () => {
    test.each(PAGES)("%s can be read and used by everybody", async (path) => {
      const page = await open(path, { colorScheme, reducedMotion: "reduce" });
      await stage.get().screenshot(page, `page-${path}-${colorScheme}`);
      expect(await seriousViolations(page)).toEqual([]);
    });
  });

describe("on a phone", () => {
  test.each(PAGES)("%s fits its 390 pixels", async (path) => {
    const page = await open(path, { viewport: { width: 390, height: 844 }, reducedMotion: "reduce" });
    await stage.get().screenshot(page, `page-${path}-390`);
    expect(await overflow(page)).toBe(0);
  });

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
