import { ApiError } from "../api-error.ts";
import { pause } from "../http.ts";

/** A token, or a function that gets one from your backend: it is called at the start and whenever the last one has expired. */
export type AccessToken = string | (() => string | Promise<string>);

/** A backend that is away for a moment is asked again after so many milliseconds; then its error is told. */
const RETRY_DELAYS_MS = [500, 1000, 2000, 4000, 8000];

/** The token in force, for the socket and for requests. Those who ask at once get one together. */
export class TokenSource {
  readonly #source: AccessToken;
  #token: Promise<string> | undefined;
  #isRenewing = false;

  constructor(source: AccessToken) {
    this.#source = source;
  }

  get canRenew(): boolean {
    return typeof this.#source === "function";
  }

  /** Errors: the callback's own. */
  current(): Promise<string> {
    this.#token ??= this.#get();
    return this.#token;
  }

  /** A token that is newer than the one in force. */
  renew(): Promise<string> {
    if (!this.#isRenewing) this.#token = this.#get();
    return this.current();
  }

  /** Makes a request with the token in force; once more with a newer one where that had expired and there is a source of others. */
  async with<T>(request: (token: string) => Promise<T>): Promise<T> {
    try {
      return await request(await this.current());
    } catch (error) {
      const isExpired = error instanceof ApiError && error.status === 401 && this.canRenew;
      if (!isExpired) throw error;
      return request(await this.renew());
    }
  }

  #get(): Promise<string> {
    this.#isRenewing = true;
    const token = this.#ask().finally(() => {
      this.#isRenewing = false;
    });
    token.catch(() => {
      if (this.#token === token) this.#token = undefined;
    });
    return token;
  }

  async #ask(): Promise<string> {
    const source = this.#source;
    if (typeof source === "string") return source;
    for (const delayMs of RETRY_DELAYS_MS) {
      try {
        return await source();
      } catch {
        await pause(delayMs);
      }
    }
    return source();
  }
}
