import type { Role } from "@gantry/sdk/contract";
import { BrowserClient } from "./browser-client.ts";

export const SETUP_SECRET = "the secret of this set-up";
export const ADMIN = { email: "ada@example.com", name: "Ada", password: "correct horse battery" };
/** Settings of a platform whose first user the tests make. */
export const SIGN_IN_SETTINGS = { GANTRY_PLATFORM_SETUP_SECRET: SETUP_SECRET };

/** Makes the first user; the browser is signed in then. */
export async function setUp(url: string): Promise<BrowserClient> {
  const browser = new BrowserClient(url);
  await browser.session();
  const { status, body } = await browser.post("/api/v1/auth/setup", { setupSecret: SETUP_SECRET, ...ADMIN });
  if (status !== 200) throw new Error(`set-up failed: ${JSON.stringify(body)}`);
  return browser;
}

export async function logIn(url: string, { email, password }: { email: string; password: string }) {
  const browser = new BrowserClient(url);
  await browser.session();
  const answer = await browser.post("/api/v1/auth/login", { email, password });
  return { browser, answer };
}

/** Adds a user, and signs them in in a browser of their own. */
export async function member(admin: BrowserClient, url: string, role: Role, email = `${role}@example.com`) {
  const password = `a fine password ${role}`;
  const token = await admin.token();
  const { body } = await admin.send("POST", "/api/v1/users", {
    body: { email, name: role, role, password },
    headers: { authorization: `Bearer ${token}` },
  });
  const { browser } = await logIn(url, { email, password });
  return { browser, password, userId: String((body.user as { id: string }).id) };
}
