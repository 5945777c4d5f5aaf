/** Where the API is, and who asks. */
export interface ClientConfig {
  /** Default: `GANTRY_API_URL`, then `TRIGGER_API_URL`, then http://localhost:4400 (where `gantry dev` listens). */
  baseURL?: string | undefined;
  /** A public access token, or a secret key: the two names mean the same. */
  accessToken?: string | undefined;
  /** Default: `GANTRY_SECRET_KEY`, `GANTRY_ACCESS_TOKEN`, then `TRIGGER_SECRET_KEY`, `TRIGGER_ACCESS_TOKEN`. */
  secretKey?: string | undefined;
  requestOptions?: RequestOptions | undefined;
}

export interface ClientRetryOptions {
  /** Requests in all, the first included; 1 sends each request once. Default 5. */
  maxAttempts?: number | undefined;
  /** Default 500 ms. */
  minTimeoutInMs?: number | undefined;
  /** Default 30 s; a `Retry-After` that is longer ends the retries. */
  maxTimeoutInMs?: number | undefined;
  /** Default 2. */
  factor?: number | undefined;
  /** Waits a random part of the delay, at least half of it. Default true. */
  randomize?: boolean | undefined;
}

export interface RequestOptions {
  retry?: ClientRetryOptions | undefined;
  /** Milliseconds for one request, its body included; default 60 s. */
  timeoutInMs?: number | undefined;
  signal?: AbortSignal | undefined;
  additionalHeaders?: Record<string, string> | undefined;
  /** Another API or key for this call only. */
  clientConfig?: ClientConfig | undefined;
  /** The `fetch` to use instead of the global one. */
  fetch?: typeof globalThis.fetch | undefined;
}

/** Options of the requests that answer with a handle. */
export interface TriggerRequestOptions extends RequestOptions {
  /** How long the handle's token lives: a duration, a Date, or seconds since the epoch. Default one hour. */
  publicAccessToken?: { expirationTime?: number | Date | string | undefined } | undefined;
}
