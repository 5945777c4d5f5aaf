import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
// @ts-expect-error The package has no types of its own.
import OidcProvider from "oidc-provider";
import { afterAll } from "vitest";
import { BrowserClient } from "./browser-client.ts";

interface ProviderClass {
  new (issuer: string, configuration: object): { callback(): RequestListener };
}
const Provider = OidcProvider as ProviderClass;

export const CLIENT = { client_id: "gantry", client_secret: "the secret of gantry at the provider" };

/** Somebody at the provider: whoever types their name there is them. */
export interface Person {
  email?: string;
  email_verified?: boolean;
  name?: string;
  groups?: string[];
}

/** A real OpenID Connect provider on a free port, whose every sign-in is that of `person`. */
export async function identityProvider(redirectUri: string) {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const people = new Map<string, Person>();
  const provider = new Provider(issuer, {
    clients: [
      { ...CLIENT, redirect_uris: [redirectUri], grant_types: ["authorization_code"], response_types: ["code"] },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "groups"] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: id, ...people.get(id) }),
    }),
    cookies: { keys: ["a key of the provider's cookies"] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: true } },
  });
  server.on("request", provider.callback());
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { issuer, people, signIn: (at: string, who: string) => signInThere(issuer, at, who) };
}

/** What a person does at the provider, by its forms; answers with the address to which it sends the browser back. */
async function signInThere(issuer: string, at: string, who: string): Promise<string> {
  const browser = new BrowserClient(issuer);
  let next = at;
  for (let step = 0; step < 12; step++) {
    const { pathname, search, origin } = new URL(next, issuer);
    if (origin !== issuer) return next;
    const { status, headers, body } = await browser.send("GET", `${pathname}${search}`);
    if (status === 302 || status === 303) next = String(headers.location);
    else next = await answerForm(browser, String(body.text), who);
  }
  throw new Error("the provider never sent the browser back");
}

async function answerForm(browser: BrowserClient, page: string, who: string): Promise<string> {
  const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
  if (action === undefined) throw new Error(`the provider shows no form: ${page.slice(0, 300)}`);
  const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1] ?? "login";
  const form = new URLSearchParams({ prompt, ...(prompt === "login" ? { login: who, password: "any" } : {}) });
  const { headers } = await browser.form(new URL(action, "http://x").pathname, form);
  return String(headers.location);
}
