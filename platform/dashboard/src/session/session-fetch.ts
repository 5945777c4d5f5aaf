import type { EnvironmentTokens } from "./environment-tokens.ts";
import type { SessionEnvironment } from "./session.ts";

interface SessionFetch {
  place: Pick<SessionEnvironment, "project" | "environment">;
  tokens: EnvironmentTokens;
  /** The session is over: somebody has to sign in again. */
  onSessionEnded: () => void;
  fetch?: typeof globalThis.fetch;
}

/** `fetch` with the environment's current token. A 401 is asked once more with a new one. */
export function sessionFetch({ place, tokens, onSessionEnded, fetch = globalThis.fetch }: SessionFetch): typeof fetch {
  const send = async (input: RequestInfo | URL, init: RequestInit | undefined) => {
    const headers = new Headers(init?.headers);
    headers.set("authorization", `Bearer ${await tokens.get(place)}`);
    return fetch(input, { ...init, headers });
  };
  return async (input, init) => {
    try {
      const response = await send(input, init);
      if (response.status !== 401) return response;
      tokens.forget(place);
      const second = await send(input, init);
      if (second.status === 401) onSessionEnded();
      return second;
    } catch (error) {
      if ((error as { status?: number }).status === 401) onSessionEnded();
      throw error;
    }
  };
}
