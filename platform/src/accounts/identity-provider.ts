import type { Claims } from "./claims-policy.ts";

/** What is kept in the browser between leaving for the provider and coming back. */
export interface SignOnTransaction {
  state: string;
  nonce: string;
  codeVerifier: string;
}

/** Somebody else who knows who people are (OpenID Connect). */
export interface IdentityProvider {
  /** For the button. */
  readonly label: string;
  /** Where the browser is to go. Errors: SINGLE_SIGN_ON_FAILED where the provider is away. */
  begin(redirectUri: string): Promise<{ url: string; transaction: SignOnTransaction }>;
  /**
   * Takes the code to the provider, checks state, nonce, issuer, audience and signature. `url` is the whole one to which the
   * browser came back. Errors: SINGLE_SIGN_ON_FAILED.
   */
  finish(url: string, transaction: SignOnTransaction): Promise<Claims>;
}
