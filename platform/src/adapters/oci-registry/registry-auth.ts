import { AppError } from "../../errors.ts";
import { type AuthChallenge, parseAuthChallenge } from "./auth-challenge-ref.ts";

/** `token` is sent as it is; a user name and a password answer Basic, and are given to the registry's token server. */
export type RegistryCredentials = { username: string; password: string } | { token: string };

/** A GET that follows no redirect; status and body. */
export type Fetch = (url: string, headers: Record<string, string>) => Promise<{ status: number; text: string }>;

export interface RegistryAuthOptions {
  registryUrl: string;
  credentials: RegistryCredentials | undefined;
  fetch: Fetch;
  now(): number;
}

/** Tokens end so long before they say, for clocks that differ and requests under way. */
const TOKEN_MARGIN_MS = 10_000;
const DEFAULT_TOKEN_MS = 60_000;

/** How a registry wants to be asked, once it has said so; tokens are kept by their scope until they end. */
export class RegistryAuth {
  readonly #options: RegistryAuthOptions;
  #challenge: AuthChallenge | undefined;
  readonly #tokens = new Map<string, { token: string; until: number }>();

  constructor(options: RegistryAuthOptions) {
    this.#options = options;
  }

  get asksForTokens(): boolean {
    return this.#challenge?.scheme === "bearer";
  }

  /** What to send with a request of this scope (`repository:a/b:pull,push`), as far as the registry has said what it wants. */
  async header(scope: string): Promise<string | undefined> {
    const { credentials } = this.#options;
    if (credentials !== undefined && "token" in credentials) return `Bearer ${credentials.token}`;
    if (this.#challenge?.scheme === "basic") return credentials === undefined ? undefined : basic(credentials);
    if (this.#challenge?.scheme === "bearer") return `Bearer ${await this.token(scope)}`;
    return undefined;
  }

  /** Takes in a 401. True where the same request is worth sending again with another `header`. */
  learn(wwwAuthenticate: string | undefined, scope: string): boolean {
    const { credentials } = this.#options;
    if (credentials !== undefined && "token" in credentials) return false;
    const challenge = parseAuthChallenge(wwwAuthenticate);
    if (challenge === undefined || (challenge.scheme === "basic" && credentials === undefined)) return false;
    this.#challenge = challenge;
    this.#tokens.delete(scope);
    return true;
  }

  /** A token of the registry's token server, for one scope. Errors: REGISTRY_DENIED, REGISTRY_UNAVAILABLE. */
  async token(scope: string): Promise<string> {
    const known = this.#tokens.get(scope);
    if (known !== undefined && known.until > this.#options.now()) return known.token;
    const challenge = this.#challenge;
    if (challenge?.scheme !== "bearer") throw new Error("the registry has not asked for tokens");
    const url = tokenUrl(challenge, scope);
    const { credentials } = this.#options;
    refusePlain(url, this.#options.registryUrl, "asks for its tokens to be fetched from");
    const hasPassword = credentials !== undefined && "password" in credentials;
    const reply = await this.#options.fetch(url.href, hasPassword ? { authorization: basic(credentials) } : {});
    if (reply.status !== 200) throw tokenRefused(url, scope, reply.status);
    const { token, lifetimeMs } = readToken(reply.text, url);
    this.#tokens.set(scope, { token, until: this.#options.now() + Math.max(0, lifetimeMs - TOKEN_MARGIN_MS) });
    return token;
  }
}

function tokenUrl(challenge: Extract<AuthChallenge, { scheme: "bearer" }>, scope: string): URL {
  if (!URL.canParse(challenge.realm))
    throw new AppError("REGISTRY_UNAVAILABLE", `The registry names "${challenge.realm.slice(0, 200)}" for its tokens.`);
  const url = new URL(challenge.realm);
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  // A token server that signs for several repositories takes one scope parameter for each.
  for (const each of scope.split(" ")) url.searchParams.append("scope", each);
  return url;
}

/**
 * Plain HTTP is spoken only where the registry itself is spoken to so, on the same host: a registry that somebody named as
 * a base image must not send us to services of our own network, nor our password over it.
 */
export function refusePlain(url: URL, registryUrl: string, doesWhat: string): void {
  const registry = new URL(registryUrl);
  if (url.protocol === "https:" || (registry.protocol === "http:" && url.hostname === registry.hostname)) return;
  throw new AppError(
    "REGISTRY_DENIED",
    `The registry ${registry.host} ${doesWhat} ${url.origin}, in plain text on another host.`,
  );
}

function readToken(text: string, url: URL): { token: string; lifetimeMs: number } {
  try {
    const body = JSON.parse(text) as { token?: string; access_token?: string; expires_in?: number };
    const token = body.token ?? body.access_token;
    if (typeof token === "string" && token !== "")
      return { token, lifetimeMs: typeof body.expires_in === "number" ? body.expires_in * 1000 : DEFAULT_TOKEN_MS };
  } catch {
    // Said below.
  }
  throw new AppError("REGISTRY_UNAVAILABLE", `The registry's token server ${url.origin} sent no token.`);
}

function tokenRefused(url: URL, scope: string, status: number): AppError {
  if (status >= 500 || status === 429)
    return new AppError("REGISTRY_UNAVAILABLE", `The registry's token server ${url.origin} answered ${status}.`);
  return new AppError(
    "REGISTRY_DENIED",
    `The registry's token server ${url.origin} refused (${status}) a token for ${scope}.`,
  );
}

function basic({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
