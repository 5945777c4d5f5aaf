import type { Page } from "playwright-core";
import { expect, test, vi } from "vitest";
import { overflow, seriousViolations } from "./support/accessibility.ts";
import { browserStage } from "./support/browser-stage.ts";

const SETUP_SECRET = "the secret of this set-up";
const ADA = { name: "Ada", email: "ada@example.com", password: "correct horse battery" };
const GRACE = { name: "Grace", email: "grace@example.com", password: "the moth in the relay" };
/** What a browser writes to its console when a request is refused, as some are here. */
const REFUSED = /status of 40[13]/;

vi.setConfig({ testTimeout: 90_000 });
const stage = browserStage({ signIn: true, settings: { SETUP_SECRET } });

async function looked(page: Page, name: string): Promise<void> {
  await stage.get().screenshot(page, name);
  expect(await seriousViolations(page)).toEqual([]);
  await page.setViewportSize({ width: 390, height: 844 });
  expect(await overflow(page)).toBe(0);
  await stage.get().screenshot(page, `${name}-390`);
  await page.setViewportSize({ width: 1440, height: 900 });
}

async function signIn(page: Page, { email, password }: { email: string; password: string }): Promise<void> {
  await page.getByLabel("E-mail").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function openMenu(page: Page, entry: string): Promise<void> {
  await page.getByRole("button", { name: /account and members$/ }).click();
  await page.getByRole("menuitem", { name: entry }).click();
}

let invitation = "";

test("the first user sets the platform up by the link of its log, and invites a viewer", async () => {
  const { url } = stage.get().here.platform;
  const page = await stage.get().page({ mayComplain: REFUSED, reducedMotion: "reduce" });
  await page.goto(`${url}/setup#a-guess-of-the-secret`);
  await page.getByRole("heading", { name: "Set up Gantry" }).waitFor();
  await looked(page, "sign-in-setup");
  const fill = async () => {
    await page.getByLabel("Name").fill(ADA.name);
    await page.getByLabel("E-mail").fill(ADA.email);
    await page.getByLabel("Password").fill(ADA.password);
    await page.getByRole("button", { name: "Create the account" }).click();
  };
  await fill();
  await page.getByText("This is not the secret").waitFor();
  // Another page, not another fragment of this one.
  await page.goto("about:blank");
  await page.goto(`${url}/setup#${encodeURIComponent(SETUP_SECRET)}`);
  await fill();
  // The address changes before the page does: until then the bar of the page before is there, with its menu.
  await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();

  await openMenu(page, "Members");
  await page.getByRole("button", { name: "Invite" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("E-mail").fill(GRACE.email);
  await dialog.getByLabel("Name").fill(GRACE.name);
  await dialog.getByRole("button", { name: "Create the link" }).click();
  invitation = (await dialog.getByTestId("invitation-link").textContent()) ?? "";
  expect(invitation).toContain(`${url}/invitation#`);
  await dialog.getByRole("button", { name: "I have sent it" }).click();
  await page.getByRole("cell", { name: "invited" }).waitFor();
  await looked(page, "members");
});

test("a viewer chooses a password, sees runs, and cannot cancel one; signs out and is out", async () => {
  const { here } = stage.get();
  const runId = await here.api.trigger("noop", {}, { delay: "1h" });
  const page = await stage.get().page({ mayComplain: REFUSED, reducedMotion: "reduce" });
  await page.goto(invitation);
  await page.getByText(GRACE.email).waitFor();
  await looked(page, "sign-in-invitation");
  await page.getByLabel("Password").fill(GRACE.password);
  await page.getByRole("button", { name: "Set the password and sign in" }).click();
  await page.waitForURL(/\/projects\/faults\/prod\/runs/);

  await page.goto(stage.get().path(`runs/${runId}`));
  const cancel = page.getByRole("button", { name: "Cancel", exact: true });
  await cancel.waitFor();
  expect(await cancel.getAttribute("aria-disabled")).toBe("true");
  await cancel.hover();
  await page.getByText("Your role is viewer").first().waitFor();
  // Nor does the API, whatever the page shows.
  const status = await page.evaluate(async (id) => {
    const { csrfToken } = await (await fetch("/api/v1/auth/session")).json();
    const asked = await fetch("/api/v1/auth/session/token", {
      method: "POST",
      headers: { "content-type": "application/json", "x-gantry-csrf": csrfToken },
      body: JSON.stringify({ project: "faults", environment: "prod" }),
    });
    const { token } = await asked.json();
    const authorization = `Bearer ${token}`;
    return (await fetch(`/api/v2/runs/${id}/cancel`, { method: "POST", headers: { authorization } })).status;
  }, runId);
  expect(status).toBe(403);
  expect((await here.api.run(runId)).status).toBe("DELAYED");

  await openMenu(page, "Account");
  await page.getByRole("heading", { name: "Sessions" }).waitFor();
  await page.getByText("this one").waitFor();
  await looked(page, "account");
  await openMenu(page, "Sign out");
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await page.goto(stage.get().path(`runs/${runId}`));
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  expect(await page.getByText(runId).count()).toBe(0);
});

test("who signs in goes on where they came for; a session that is ended elsewhere ends here", async () => {
  const first = await stage.get().page({ mayComplain: REFUSED, reducedMotion: "reduce" });
  await first.goto(stage.get().path("queues"));
  await first.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(first, { ...ADA, password: "not the password" });
  await first.getByText("is wrong").waitFor();
  await looked(first, "sign-in-login");
  await signIn(first, ADA);
  await first.waitForURL(/\/queues$/);
  await first.getByRole("heading", { name: "Queues" }).waitFor();

  const second = await stage.get().page({ mayComplain: REFUSED, reducedMotion: "reduce" });
  await second.goto(stage.get().path("account"));
  await signIn(second, ADA);
  await second.getByRole("button", { name: "End all others" }).click();
  await second.getByText(/other sessions? ha(s|ve) ended/).waitFor();
  // Nobody touches it: what it looks at next is refused, and it says so.
  await first.getByRole("heading", { name: "Sign in" }).waitFor();
});

test("an admin finds in the audit log what was refused to whom", async () => {
  const page = await stage.get().page({ reducedMotion: "reduce" });
  await page.goto(stage.get().path("audit?outcome=refused"));
  await signIn(page, ADA);
  const row = page.getByRole("row").filter({ hasText: "runs.cancel" });
  await row.getByText(GRACE.email).waitFor();
  await row.getByText("FORBIDDEN").waitFor();
  await page.getByLabel("Action").selectOption("auth.");
  await page.waitForURL(/action=auth\./);
  await page
    .getByRole("cell", { name: /auth\.login/ })
    .first()
    .waitFor();
  // Until the answer is there the entries of before stay.
  await row.waitFor({ state: "detached" });
  await looked(page, "audit");
});
