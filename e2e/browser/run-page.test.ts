import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { overflow } from "./support/accessibility.ts";
import { browserStage } from "./support/browser-stage.ts";

// A page takes seconds where the machine is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });
const SOON = { timeout: 45_000 };
const stage = browserStage();

/** A run's page, with nothing but its header awaited. */
async function openRun(
  runId: string,
  options: Parameters<ReturnType<typeof stage.get>["page"]>[0] = {},
): Promise<Page> {
  const page = await stage.get().page(options);
  await page.goto(stage.get().path(`runs/${runId}`));
  await page.getByRole("button", { name: "Replay", exact: true }).waitFor();
  return page;
}

/** The tasks with a line of theirs repaired, as the next version. */
async function deployFixed(from: string, to: string): Promise<string> {
  const { project, api } = stage.get().here;
  const { manifest, source, promote } = project.deployment;
  const bundleDir = join(project.folder, "fixed");
  await cp(source.bundleDir, bundleDir, { recursive: true });
  const entry = join(bundleDir, manifest.entry);
  const code = await readFile(entry, "utf8");
  expect(code).toContain(from);
  await writeFile(entry, code.replace(from, to));
  return (await api.deploy({ manifest, source: { ...source, bundleDir }, promote })).version;
}

const markupRan = (page: Page) => page.evaluate(() => (window as unknown as { hacked?: number }).hacked);

test("why did this fail, fix, replay, see it pass: without leaving the page", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("invoice", { customer: "Ada", cents: -5 });
  await here.api.untilStatus(runId, "FAILED");
  const page = await openRun(runId);
  await page.getByText("The amount of Ada is negative: -5").first().waitFor();
  await page
    .getByText(/tasks\.ts:\d+/)
    .first()
    .waitFor();
  await stage.get().screenshot(page, "run-failed");
  const version = await deployFixed("cents < 0", "cents < -1e9");
  const address = page.url();
  await page.getByRole("button", { name: "Replay", exact: true }).click();
  const replay = page.getByRole("region", { name: "Replay" });
  await replay.getByText("Completed").waitFor();
  await replay.getByText(`on version ${version}`).waitFor();
  expect(page.url().split("?")[0]).toBe(address);
  await stage.get().screenshot(page, "run-replayed");
  await replay.getByRole("link", { name: "Open" }).click();
  await page.getByText("EUR--5").waitFor();
});

test("a replay with another payload is edited against the task's schema", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("invoice", { customer: "Bob", cents: 0.5 });
  await here.api.untilStatus(runId, "FAILED");
  const page = await openRun(runId);
  await page.getByRole("button", { name: "Edit and replay" }).click();
  const editor = page.getByRole("dialog").locator(".cm-content");
  await editor.waitFor();
  await editor.fill(JSON.stringify({ customer: "Bob", cents: 700 }));
  await page.getByRole("dialog").getByRole("button", { name: "Replay", exact: true }).click();
  await page.getByRole("region", { name: "Replay" }).getByText("Completed").waitFor();
});

test("metadata, steps and the end of a run appear as they happen", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("progress", { gates: ["run-page-1", "run-page-2"] });
  const page = await openRun(runId);
  const metadata = page.getByRole("region", { name: "Metadata" });
  await metadata.getByText("percent: 0").waitFor();
  await page.getByRole("heading", { level: 1 }).getByText("Live").waitFor();
  await here.project.open("run-page-1");
  await metadata.getByText("percent: 50").waitFor();
  await here.project.open("run-page-2");
  await page.getByRole("heading", { level: 1 }).getByText("Completed").waitFor();
  await metadata.getByText("percent: 100").waitFor();
  await page.getByRole("row", { name: /Attempt 1/ }).waitFor();
});

test("a run that waits says for what, and what became of its process", async () => {
  const { here } = stage.get();
  const token = await here.api.call<{ id: string }>("POST", "/api/v1/waitpoints/tokens", { timeout: "1h" });
  const runId = await here.api.trigger("approval", { token: token.id });
  await here.api.untilStatus(runId, "WAITING");
  const page = await openRun(runId);
  const why = page.getByRole("region", { name: "Why it waits" });
  await why.getByText("WAITING", { exact: true }).waitFor();
  await why.getByText(token.id).first().waitFor();
  await why.getByText(/hold · |replay · /).waitFor();
  await page.getByRole("row", { name: /Wait for token/ }).waitFor();
  await stage.get().screenshot(page, "run-waiting");
  await here.api.call("POST", `/api/v1/waitpoints/tokens/${token.id}/complete`, { data: { by: "Ada" } });
  await page.getByRole("heading", { level: 1 }).getByText("Completed").waitFor();
  await why.waitFor({ state: "detached" });
  await page.getByRole("row", { name: /publish/ }).waitFor();
});

test("5,000 lines of log are all there, of which few are in the document", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("noisy", { lines: 5000 });
  await here.api.untilStatus(runId, "COMPLETED", 60_000);
  const page = await openRun(runId);
  await page.getByRole("tab", { name: /Log/ }).getByText("5000").waitFor();
  expect(await page.locator("[data-log-line]").count()).toBeLessThanOrEqual(100);
  await page.getByLabel("Find in the log").fill("line 4999");
  await page.locator("[data-log-line]").getByText("line 4999").waitFor();
  await expect.poll(() => page.locator("[data-log-line]").count(), SOON).toBe(1);
  await page.getByRole("button", { name: /^info/ }).click();
  await page.getByText("No line fits the filter.").waitFor();
});

test("what a run says is text, whatever it says", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("nasty", { html: "<img src=x onerror=window.hacked=1>" });
  await here.api.untilStatus(runId, "FAILED");
  const page = await openRun(runId);
  await page.locator("[data-log-line]").getByText("<script>").first().waitFor();
  for (const tab of ["Journal", "Attempts", "Streams", "Log"]) await page.getByRole("tab", { name: tab }).click();
  await page.getByRole("button", { name: "more", exact: true }).first().click();
  expect(await page.locator("img[src=x], main script, a[href^='javascript']").count()).toBe(0);
  expect(await markupRan(page)).toBeUndefined();
});

test("the page fits a phone, light and dark", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("parent", { children: 3 });
  await here.api.untilStatus(runId, "COMPLETED");
  for (const colorScheme of ["light", "dark"] as const) {
    const page = await openRun(runId, { viewport: { width: 390, height: 844 }, colorScheme });
    await page.getByRole("row", { name: /Attempt 1/ }).waitFor();
    expect(await overflow(page)).toBe(0);
    await stage.get().screenshot(page, `run-390-${colorScheme}`);
  }
});

test("the timeline is walked by keys, and is a table for those who would rather read", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("parent", { children: 2 });
  await here.api.untilStatus(runId, "COMPLETED");
  const page = await openRun(runId);
  const child = page.getByRole("row", { name: /noop/ }).first();
  await child.click();
  for (const key of ["ArrowDown", "ArrowUp", "ArrowRight"]) await page.keyboard.press(key);
  // A child that is opened shows its own attempts.
  await page
    .getByRole("row", { name: /Attempt 1/ })
    .nth(1)
    .waitFor();
  expect(await page.evaluate(() => document.activeElement?.getAttribute("aria-expanded"))).toBe("true");
  await page.getByRole("button", { name: "Show as a table" }).click();
  await page.getByRole("table", { name: "Timeline as a table" }).getByText("Child run").first().waitFor();
});
