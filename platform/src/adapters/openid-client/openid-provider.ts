import * as client from "openid-client";
import type { Claims } from "../../accounts/claims-policy.ts";
import type { IdentityProvider, SignOnTransaction } from "../../accounts/identity-provider.ts";
import { AppError } from "../../errors.ts";

export interface OpenIdOptions {
  issuer: string;
  clientId: string;
  /** Undefined: a public client, which PKCE alone protects. */
  clientSecret: string | undefined;
  scopes: string;
  label: string;
  /** Whether the issuer may be reached without TLS: tests and a provider on this machine. */
  allowHttp: boolean;
  timeoutMs?: number;
}

/** What the provider published is read again after so long: keys and addresses change rarely. */
const DISCOVERED_MS = 3_600_000;

/** OpenID Connect: the code flow with PKCE, state and nonce. The provider is looked at when the first one signs in, not before. */
export class OpenIdProvider implements IdentityProvider {
  readonly label: string;
  readonly #options: OpenIdOptions;
  #discovered: { at: number; configuration: Promise<client.Configuration> } | undefined;

  constructor(options: OpenIdOptions) {
    this.label = options.label;
    this.#options = options;
  }

  async begin(redirectUri: string): Promise<{ url: string; transaction: SignOnTransaction }> {
    const configuration = await this.#configuration();
    const transaction = {
      state: client.randomState(),
      nonce: client.randomNonce(),
      codeVerifier: client.randomPKCECodeVerifier(),
    };
    const url = client.buildAuthorizationUrl(configuration, {
      redirect_uri: redirectUri,
      scope: this.#options.scopes,
      state: transaction.state,
      nonce: transaction.nonce,
      code_challenge: await client.calculatePKCECodeChallenge(transaction.codeVerifier),
      code_challenge_method: "S256",
    });
    return { url: url.href, transaction };
  }

  async finish(url: string, { state, nonce, codeVerifier }: SignOnTransaction): Promise<Claims> {
    const configuration = await this.#configuration();
    try {
      const tokens = await client.authorizationCodeGrant(configuration, new URL(url), {
        expectedState: state,
        expectedNonce: nonce,
        pkceCodeVerifier: codeVerifier,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error("the provider sent no ID token");
      return toClaims(claims, await this.#userInfo(configuration, tokens.access_token, claims.sub));
    } catch (error) {
      throw failed("The identity provider's answer was not accepted.", error);
    }
  }

  /** Some providers put groups and addresses there alone. One that has none, or refuses, told all in its token. */
  async #userInfo(configuration: client.Configuration, accessToken: string, subject: string) {
    if (configuration.serverMetadata().userinfo_endpoint === undefined) return {};
    return client.fetchUserInfo(configuration, accessToken, subject).catch(() => ({}));
  }

  async #configuration(): Promise<client.Configuration> {
    const known = this.#discovered;
    const configuration =
      known !== undefined && Date.now() - known.at < DISCOVERED_MS ? known.configuration : this.#discover();
    try {
      return await configuration;
    } catch (error) {
      this.#discovered = undefined;
      throw failed("The identity provider cannot be reached, or is not the one that is configured.", error);
    }
  }

  #discover(): Promise<client.Configuration> {
    const { issuer, clientId, clientSecret, allowHttp, timeoutMs = 10_000 } = this.#options;
    const configuration = client.discovery(
      new URL(issuer),
      clientId,
      undefined,
      clientSecret === undefined ? client.None() : authentication(clientSecret),
      { timeout: timeoutMs / 1000, ...(allowHttp ? { execute: [client.allowInsecureRequests] } : {}) },
    );
    this.#discovered = { at: Date.now(), configuration };
    return configuration;
  }
}

/** By the header where the provider takes it, which is what it does unless it says otherwise; else in the body. */
function authentication(secret: string): client.ClientAuth {
  const basic = client.ClientSecretBasic(secret);
  const post = client.ClientSecretPost(secret);
  return (server, ...rest) => {
    const taken = server.token_endpoint_auth_methods_supported;
    const isBasic = taken === undefined || taken.includes("client_secret_basic");
    return (isBasic ? basic : post)(server, ...rest);
  };
}

function toClaims(token: client.IDToken, userInfo: Record<string, unknown>): Claims {
  const all: Record<string, unknown> = { ...userInfo, ...token };
  const email = typeof all.email === "string" && all.email !== "" ? all.email : undefined;
  // What says that an address is verified must come from where the address did.
  const source: Record<string, unknown> = typeof token.email === "string" ? token : userInfo;
  const name = [all.name, all.preferred_username].find((each) => typeof each === "string" && each !== "");
  return {
    issuer: token.iss,
    subject: token.sub,
    email,
    isEmailVerified: source.email_verified === true || source.email_verified === "true",
    name: name as string | undefined,
    all,
  };
}

function failed(message: string, cause: unknown): AppError {
  return new AppError("SINGLE_SIGN_ON_FAILED", message, { cause });
}
