import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, test, vi } from "vitest";
import type { Manifest } from "../../sdk/src/contract/manifest.ts";
import { durableFixture } from "../durability/support/durable-project.ts";
import { Api } from "../support/api.ts";
import { browserStage } from "./support/browser-stage.ts";

const stage = browserStage({ fixture: durableFixture({}, join(import.meta.dirname, "fixtures/operations.ts")) });

// A page takes seconds where the machine is busy with other tests.
vi.setConfig({ testTimeout: 90_000 });
const SOON = { timeout: 45_000 };
const api = () => stage.get().here.api;

async function open(path: string, options: Parameters<ReturnType<typeof stage.get>["page"]>[0] = {}): Promise<Page> {
  const page = await stage.get().page({ permissions: ["clipboard-read", "clipboard-write"], ...options });
  await page.goto(stage.get().path(path));
  return page;
}
const row = (page: Page, name: string) => page.getByRole("row").filter({ hasText: name });
const dialog = (page: Page) => page.getByRole("dialog");
const button = (page: Page, name: string | RegExp) => page.getByRole("button", { name });

describe("queues", () => {
  test("one that is paused holds its runs, says so, and lets them go when it is resumed", async () => {
    const page = await open("queues");
    await button(page, "Pause mail").click();
    await row(page, "mail").getByText("Paused").waitFor();
    const run = await api().trigger("send", { to: "ada" });
    await row(page, "mail").getByRole("cell", { name: "1", exact: true }).waitFor();
    expect((await api().run(run)).status).toBe("QUEUED");
    await stage.get().screenshot(page, "queues-paused");
    await button(page, "Resume mail").click();
    await row(page, "mail").getByText("Paused").waitFor({ state: "detached" });
    await api().untilStatus(run, "COMPLETED");
  });

  test("a limit is overridden, and reset to the declared one", async () => {
    const page = await open("queues");
    await button(page, "Limit of mail").click();
    await dialog(page).getByLabel("Runs of this queue at once").fill("2");
    await button(page, "Set the limit").click();
    await row(page, "mail").getByText("overridden").waitFor();
    await row(page, "mail").getByText("of 2").waitFor();
    await button(page, "Limit of mail").click();
    await button(page, "Back to the declared limit").click();
    await row(page, "mail").getByText("of 5").waitFor();
  });
});

describe("schedules", () => {
  test("one is run now; its run is shown in its details, and what the code declares is not changed here", async () => {
    const page = await open("schedules");
    await row(page, "report").getByText("At 05:00 on the 1st of the month in January").waitFor();
    await button(page, "Run report now").click();
    await page.getByRole("status").getByText("Started").waitFor();
    await row(page, "report").getByText("Europe/Berlin").click();
    await dialog(page).getByText("Declared in the code").waitFor();
    await dialog(page).getByText("Completed").waitFor();
    await expect
      .poll(() => dialog(page).getByRole("list", { name: "Next times" }).getByRole("listitem").count(), SOON)
      .toBe(5);
    expect(await dialog(page).getByRole("button", { name: "Change…" }).count()).toBe(0);
  });

  test("a pattern is explained while it is typed, and the schedule made of it has those times", async () => {
    const page = await open("schedules");
    await button(page, "New schedule").click();
    const pattern = dialog(page).getByLabel("Pattern");
    await pattern.fill("0 8 * *");
    await dialog(page).getByRole("alert").getByText("has 4 fields").waitFor();
    await pattern.fill("30 2 * * SUN");
    await dialog(page).getByLabel("Time zone").fill("Asia/Tokyo");
    await dialog(page).getByText("At 02:30 on Sunday").waitFor();
    const shown = dialog(page).getByRole("list", { name: "Next times" }).getByRole("listitem");
    await expect.poll(() => shown.count(), SOON).toBe(5);
    const first = await shown.first().locator("span").first().innerText();
    await stage.get().screenshot(page, "schedule-new");
    await button(page, "Create the schedule").click();
    await row(page, "At 02:30 on Sunday").getByText(first).waitFor();

    await button(page, "More for report").last().click();
    await page.getByRole("menuitem", { name: "Pause" }).click();
    await row(page, "At 02:30 on Sunday").getByText("nothing while paused").waitFor();
    await button(page, "More for report").last().click();
    await page.getByRole("menuitem", { name: "Delete…" }).click();
    await button(page, "Delete it").click();
    await row(page, "At 02:30 on Sunday").waitFor({ state: "detached" });
  });
});

describe("API keys", () => {
  test("a new one is shown once and works; revoked, it is refused", async () => {
    const page = await open("keys");
    await button(page, "New key").click();
    await dialog(page).getByText("Trigger only").click();
    await button(page, "Create the key").click();
    const key = (await dialog(page).getByTestId("new-key").innerText()).trim();
    const mine = new Api(stage.get().here.platform.url, key);
    await mine.trigger("send", {});
    expect((await mine.request("GET", "/api/v1/runs")).status).toBe(403);
    await button(page, "I have stored it").click();
    await dialog(page).waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(key);

    const hint = key.slice(-4);
    await button(page, `Rotate …${hint}`).click();
    await button(page, "Create the next key").click();
    const next = (await dialog(page).getByTestId("new-key").innerText()).trim();
    await button(page, "I have stored it").click();
    await row(page, `…${hint}`)
      .getByText(/ends in/)
      .waitFor();
    await mine.trigger("send", {});

    await button(page, `Revoke …${next.slice(-4)}`).click();
    await button(page, "Revoke it now").click();
    await row(page, `…${next.slice(-4)}`).waitFor({ state: "detached" });
    const answer = await new Api(stage.get().here.platform.url, next).request("POST", "/api/v1/tasks/send/trigger", {});
    expect(answer.status).toBe(401);
  });
});

describe("waitpoint tokens", () => {
  test("who waits is shown; a token that is completed here lets them go on with its data", async () => {
    const token = await api().call<{ id: string }>("POST", "/api/v1/waitpoints/tokens", { tags: ["order:7"] });
    const run = await api().trigger("refund", { token: token.id });
    await api().untilStatus(run, "WAITING");
    const page = await open("tokens?status=WAITING");
    await row(page, token.id).getByText("refund").waitFor();
    await page.getByRole("link", { name: token.id }).click();
    await page.getByText(run).waitFor();
    await button(page, "Copy the callback URL").click();
    await expect.poll(() => page.evaluate("navigator.clipboard.readText()"), SOON).toContain(`/${token.id}/callback/`);
    await button(page, "Complete…").click();
    await dialog(page).getByLabel("Data").fill("{approved: true}");
    await dialog(page).getByText("This is no JSON").waitFor();
    await dialog(page).getByLabel("Data").fill('{ "approved": true }');
    await button(page, "Complete it: 1 run goes on").click();
    await page.getByText("Completed with").waitFor();
    const ended = await api().untilStatus(run, "COMPLETED");
    expect(JSON.stringify(ended.output)).toContain('"approved":true');
  });
});

describe("environment variables", () => {
  const SECRET = "sk_live_never_shown";

  test("secrets are set and never shown, not even to who set them; tasks read them", async () => {
    const page = await open("variables");
    const bodies: Promise<string>[] = [];
    page.on("response", (response) => {
      if (response.url().includes("/envvars/")) bodies.push(response.text().catch(() => ""));
    });
    await button(page, "New variable").click();
    await dialog(page).getByLabel("Name").fill("SHOP_KEY");
    await dialog(page).getByRole("textbox", { name: "Value" }).fill(SECRET);
    await button(page, "Set the variable").click();
    await row(page, "SHOP_KEY").getByText("Secret").waitFor();
    await button(page, "Change SHOP_KEY").click();
    expect(await dialog(page).getByRole("textbox", { name: "Value" }).inputValue()).toBe("");
    await page.keyboard.press("Escape");
    await dialog(page).waitFor({ state: "detached" });
    expect(await page.content()).not.toContain(SECRET);
    expect((await Promise.all(bodies)).join()).not.toContain(SECRET);
  });

  test("a pasted .env is previewed before anything is set, and removed variables are gone", async () => {
    const page = await open("variables");
    await button(page, "Import .env").click();
    await dialog(page).getByLabel("Paste a .env file").fill("REGION=eu\nnonsense");
    await dialog(page).getByText('Line 2: "nonsense" is not NAME=value').waitFor();
    await dialog(page).getByLabel("Paste a .env file").fill("# where\nexport REGION='eu' # Europe\nSHOP_KEY=other");
    await dialog(page)
      .getByRole("list", { name: "What will happen" })
      .getByText("new", { exact: true })
      .first()
      .waitFor();
    await dialog(page).getByText("Keep them secret").click();
    await stage.get().screenshot(page, "variables-import");
    await button(page, "Set 2 variables").click();
    await row(page, "REGION").getByText("eu", { exact: true }).waitFor();
    // A laptop's worker has what was set when it started; each version has its own.
    await api().deploy({ ...stage.get().here.project.deployment, contentHash: "after-variables" });
    const run = await api().trigger("region", {});
    expect((await api().untilStatus(run, "COMPLETED")).output).toEqual({ region: "eu", has: true });
    await button(page, "Remove REGION").click();
    await button(page, "Remove it").click();
    await row(page, "REGION").waitFor({ state: "detached" });
  });
});

describe("deployments", () => {
  test("another version is promoted after a look at what it changes, and rolled back", async () => {
    const { project } = stage.get().here;
    const deployment = await api().call<{ version: string }>("GET", "/api/v1/deployments/current");
    const { manifest: declared, ...rest } = project.deployment;
    const manifest = declared as unknown as Manifest;
    const tasks = manifest.tasks.flatMap((task) => {
      if (task.id === "letters") return [];
      return [task.id === "invoice" ? { ...task, machine: "large-1x" } : task];
    });
    const next = await api().deploy({ ...rest, manifest: { ...manifest, tasks }, promote: false, contentHash: "next" });
    const page = await open("deployments");
    await button(page, `Promote ${next.version}`).click();
    const changes = dialog(page).getByRole("list", { name: `Changes from ${deployment.version} to ${next.version}` });
    await changes.getByText("medium-1x").waitFor();
    await changes.getByText("letters").waitFor();
    await stage.get().screenshot(page, "deployment-promote");
    await dialog(page).getByRole("button", { name: "Promote" }).click();
    await row(page, next.version).getByText("in service").waitFor();
    expect((await api().call<{ version: string }>("GET", "/api/v1/deployments/current")).version).toBe(next.version);

    await button(page, `Roll back to ${deployment.version}`).click();
    await dialog(page).getByRole("button", { name: "Roll back" }).click();
    await row(page, deployment.version).getByText("in service").waitFor();
  });
});

describe("builds", () => {
  /** What a platform with a registry writes while it builds; a laptop's has none. */
  async function say(id: string, from: number, lines: [step: string | null, message: string][]): Promise<void> {
    const { pool } = stage.get().here;
    for (const [index, [step, message]] of lines.entries())
      await pool.query("insert into build_line (build_id, index, step, message, at) values ($1, $2, $3, $4, now())", [
        id,
        from + index,
        step,
        message,
      ]);
  }

  test("the log of one that goes on grows, and a failure says what to do", async () => {
    const { pool } = stage.get().here;
    const { rows } = await pool.query<{ id: string }>(
      `insert into build (id, environment_id, content_hash, task_count)
       select uuidv7(), id, 'abc', 3 from environment where slug = 'prod' returning id`,
    );
    const id = rows[0]?.id as string;
    await say(id, 0, [
      ["base", "Fetching the base image"],
      [null, "layer 1 of 2"],
    ]);
    const page = await open("deployments");
    await row(page, "Building").getByRole("link").click();
    await page.getByText("layer 1 of 2").waitFor();
    await say(id, 2, [
      [null, "layer 2 of 2"],
      ["push", "Pushing to the registry"],
    ]);
    await page.getByText("Pushing to the registry").waitFor();
    await stage.get().screenshot(page, "build-live");
    await pool.query(
      `update build set status = 'FAILED', error_code = 'REGISTRY_UNAVAILABLE', error_message = 'It does not answer.',
       ended_at = now() where id = $1`,
      [id],
    );
    await page.getByText("What serves goes on serving").waitFor();
    await stage.get().screenshot(page, "build-failed");
  });
});

describe("tasks and batches", () => {
  test("a task says what it declares, and shows its runs as they come", async () => {
    const page = await open("tasks");
    await row(page, "invoice").getByRole("cell").nth(1).click();
    await page.waitForURL(/\/tasks\/invoice/);
    await page.getByText("Renders an invoice.").waitFor();
    await page.getByText("1 cpu, 2 GB").waitFor();
    await page.getByText("customer").first().waitFor();
    await api().trigger("invoice", { customer: "Ada", cents: 1 });
    await page.getByRole("region", { name: "Recent runs of invoice" }).getByText("Completed").waitFor();
  });

  test("a batch counts up to its end, and shows its runs", async () => {
    const run = await api().trigger("letters", { count: 7 });
    const { output } = await api().untilStatus(run, "COMPLETED");
    const page = await open("batches");
    await row(page, String(output)).getByText("100 %").waitFor();
    await page.getByRole("link", { name: String(output) }).click();
    await page.getByRole("img", { name: "7 of 7 ended" }).waitFor();
    await page.getByRole("region", { name: "Newest runs of the batch" }).getByText("Completed").nth(6).waitFor();
  });
});

describe("limits", () => {
  test("one is changed in its unit, marked, and reset; the environment is paused after a question", async () => {
    const page = await open("limits");
    await button(page, "Change Payload").click();
    await dialog(page).getByRole("textbox").fill("5 MB");
    await button(page, "Set the limit").click();
    await row(page, "Of one run. A larger one is refused").getByText("5 MB").waitFor();
    await row(page, "Of one run. A larger one is refused").getByText("changed").waitFor();
    await button(page, "Change Payload").click();
    await button(page, "Back to 3 MB").click();
    await row(page, "Of one run. A larger one is refused").getByText("3 MB").waitFor();

    await button(page, "Pause the environment").click();
    await button(page, "Pause it").click();
    await page.getByText("The environment is paused: runs are taken and wait").waitFor();
    await button(page, "Resume the environment").click();
    await button(page, "Pause the environment").waitFor();
  });
});

describe("a viewer", () => {
  /** The session as a viewer's; what the API refuses them is tested with the API. */
  async function openAsViewer(path: string): Promise<Page> {
    const page = await stage.get().page();
    await page.route("**/api/v1/auth/session", async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: { ...(await response.json()), role: "viewer" } });
    });
    await page.goto(stage.get().path(path));
    return page;
  }

  test("sees everything but keys, and is told why they can change nothing", async () => {
    const page = await openAsViewer("queues");
    const pause = button(page, "Pause mail");
    await pause.waitFor();
    expect(await pause.getAttribute("aria-disabled")).toBe("true");
    await pause.focus();
    await page.getByText("Your role is viewer; this needs a developer.").first().waitFor({ state: "attached" });
    await pause.click({ force: true });
    expect((await api().call<{ paused: boolean }>("GET", "/api/v1/queues/mail?type=custom")).paused).toBe(false);
    const asked: string[] = [];
    const keys = await openAsViewer("keys");
    keys.on("request", (request) => asked.push(new URL(request.url()).pathname));
    await keys.getByText("Keys are for admins").waitFor();
    expect(asked).not.toContain("/api/v1/keys");
  });
});
