import { expect, test } from "vitest";
import { browserStage } from "./support/browser-stage.ts";

const stage = browserStage();

test("a task is run by hand, helped by its schema, and its run is seen beside it", async () => {
  const page = await stage.get().page();
  await page.goto(stage.get().path("test"));
  await page.getByRole("list", { name: "Tasks" }).getByRole("button", { name: "invoice" }).click();
  const editor = page.locator(".cm-content");
  await editor.getByText('"customer"').waitFor({ timeout: 30_000 });
  await editor.fill('{ "customer": 5, "cents": 1 }');
  await page.getByText(/does not fit the schema: customer must be string/).waitFor();
  await editor.fill('{ "customer": "Ada", "cents": 1200, "currency": "USD" }');
  await page.getByText("It fits the task's schema.").waitFor();
  await page.getByRole("button", { name: "Options" }).click();
  await page.getByLabel("Tags").fill("by-hand, order:42");
  await page.getByRole("button", { name: "Run it" }).click();
  await page.getByText("USD-1200").waitFor({ timeout: 30_000 });
  await stage.get().screenshot(page, "test-page");
  const runId = new URL(page.url()).searchParams.get("run") as string;
  const run = await stage.get().here.api.call<{ tags: string[]; isTest: boolean }>("GET", `/api/v3/runs/${runId}`);
  expect(run).toMatchObject({ tags: ["by-hand", "order:42"], isTest: true });
  // Where the next one starts from.
  await page.reload();
  await editor.getByText('"customer"').waitFor({ timeout: 30_000 });
  await page.getByRole("button", { name: "Recent payloads" }).click();
  await page.getByRole("menuitem").first().click();
  await editor.getByText('"Ada"').waitFor();
}, 90_000);

test("failed runs are one group with the line they failed at, and are replayed together", async () => {
  const { here } = stage.get();
  const ids = await Promise.all([-1, -2, -3].map((cents) => here.api.trigger("invoice", { customer: "Eve", cents })));
  for (const id of ids) await here.api.untilStatus(id, "FAILED");
  const page = await stage.get().page();
  await page.goto(stage.get().path("errors"));
  const group = page.getByRole("list", { name: "Errors" }).getByRole("button", { name: /RangeError/ });
  await group.waitFor({ timeout: 30_000 });
  await page.getByText("3 runs failed so").waitFor();
  await page
    .getByText(/fixtures\/tasks\.ts:\d+/)
    .first()
    .waitFor();
  await stage.get().screenshot(page, "errors-page");
  await page.getByRole("button", { name: "Replay all" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Replay them" }).click();
  await page.getByText("3 of 3 replayed").waitFor({ timeout: 30_000 });
  await page.getByRole("link", { name: "The new runs" }).click();
  await page.waitForURL(/runs\?bulk=/);
}, 90_000);
