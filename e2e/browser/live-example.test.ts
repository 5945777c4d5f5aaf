import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import express from "express";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createApp } from "../../examples/live/server/app.ts";
import { durableFixture } from "../durability/support/durable-project.ts";
import { browserStage } from "./support/browser-stage.ts";

const EXAMPLE = join(import.meta.dirname, "../../examples/live");
const CSV = ["name,email,company", "Ada,ada@example.com,Engines", "Bo,no address,Goto", "Cy,cy@example.com,Press"].join(
  "\n",
);
// A page takes seconds where the machine is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });

describe("examples/live, as its README starts it", () => {
  const { get } = browserStage({ fixture: durableFixture({}, join(EXAMPLE, "tasks/import-contacts.ts")) });
  let folder: string;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "gantry-live-"));
    await build({
      configFile: join(EXAMPLE, "vite.config.ts"),
      logLevel: "error",
      build: { outDir: folder, emptyOutDir: true },
    });
    const { platform } = get().here;
    const app = createApp({ apiUrl: platform.url, secretKey: platform.key, paceMs: 20 });
    server = app.use(express.static(folder)).listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }, 120_000);
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function upload(page: Page, csv: string): Promise<void> {
    await page.goto(url);
    await page.setInputFiles("input[type=file]", {
      name: "contacts.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(csv),
    });
  }

  test("a file is imported once somebody has approved: rows, progress and result come without a reload", async () => {
    const page = await get().page({ viewport: { width: 900, height: 900 } });
    await upload(page, CSV);
    await page.getByText("3 of 3 rows").waitFor();
    await page.getByText("Waiting for your approval").waitFor();
    // They come by a stream of their own.
    await page.locator(".rows li").nth(2).waitFor();
    expect(await page.locator(".rows li").allInnerTexts()).toEqual([
      expect.stringContaining("Ada"),
      expect.stringContaining("is no e-mail address"),
      expect.stringContaining("Cy"),
    ]);
    // Nothing of what is shown is the page's own: another page shows the same.
    await page.reload();
    await page.getByText("2 contacts").waitFor();
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByText("2 contacts were imported, 1 rows were left out.").waitFor();
    await page.getByRole("button", { name: "Import another file" }).click();
    await page.getByText("Drop a file here").waitFor();
  });

  test("an import is canceled by its button", async () => {
    const page = await get().page({ viewport: { width: 390, height: 844 } });
    const rows = Array.from({ length: 2000 }, (_, n) => `Ada ${n},ada${n}@example.com,Engines`);
    await upload(page, ["name,email,company", ...rows].join("\n"));
    await page.locator(".rows li", { hasText: "Ada 5" }).first().waitFor();
    await get().screenshot(page, "example-live-narrow");
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("heading", { name: "Canceled" }).waitFor();
  });

  test("looks like this", async () => {
    const page = await get().page({ viewport: { width: 900, height: 900 }, colorScheme: "dark" });
    await page.goto(url);
    await get().screenshot(page, "example-live-upload");
    await page.getByRole("button", { name: "Use an example file" }).click();
    await page.getByText("Waiting for your approval").waitFor();
    await get().screenshot(page, "example-live-approval");
  });
});
