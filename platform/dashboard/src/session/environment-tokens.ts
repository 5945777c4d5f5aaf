import type { SessionEnvironment } from "./session.ts";

type Place = Pick<SessionEnvironment, "project" | "environment">;
type FetchToken = (place: Place) => Promise<{ token: string; expiresAt: number }>;

/** A token is renewed so long before it expires: what is sent with it still has to arrive. */
const EARLY_MS = 45_000;

/** The bearer token of each environment: one at a time is asked for, kept until shortly before it expires. */
export class EnvironmentTokens {
  readonly #fetchToken: FetchToken;
  readonly #now: () => number;
  readonly #tokens = new Map<string, { reply: ReturnType<FetchToken>; expiresAt: number }>();

  constructor(fetchToken: FetchToken, now: () => number = Date.now) {
    this.#fetchToken = fetchToken;
    this.#now = now;
  }

  /** Errors: those of the request. */
  async get(place: Place): Promise<string> {
    const key = `${place.project}/${place.environment}`;
    const known = this.#tokens.get(key);
    if (known !== undefined && this.#now() < known.expiresAt - EARLY_MS) return (await known.reply).token;
    const entry = { reply: this.#fetchToken(place), expiresAt: Number.POSITIVE_INFINITY };
    this.#tokens.set(key, entry);
    try {
      const { token, expiresAt } = await entry.reply;
      entry.expiresAt = expiresAt;
      return token;
    } catch (error) {
      if (this.#tokens.get(key) === entry) this.#tokens.delete(key);
      throw error;
    }
  }

  /** After a 401: the token was revoked, or the session is over. */
  forget(place: Place): void {
    this.#tokens.delete(`${place.project}/${place.environment}`);
  }
}
