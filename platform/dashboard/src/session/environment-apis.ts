import { ApiClient } from "@gantry/sdk";
import type { EnvironmentTokens } from "./environment-tokens.ts";
import type { SessionEnvironment } from "./session.ts";
import { sessionFetch } from "./session-fetch.ts";

type Place = Pick<SessionEnvironment, "project" | "environment">;

export interface EnvironmentApi extends Place {
  /** The API of the environment. Every page talks to the platform by it alone. */
  api: ApiClient;
  /** A query's key within this environment: `key("queues", name)`. */
  key: (...parts: unknown[]) => unknown[];
  /** Resolves to a bearer token that is good for a while: for sockets. Always the same function, so that they are shared. */
  token: () => Promise<string>;
}

interface Options {
  baseUrl: string;
  tokens: EnvironmentTokens;
  onSessionEnded: () => void;
}

/** One API for each environment of a session. */
export class EnvironmentApis {
  readonly #options: Options;
  readonly #apis = new Map<string, EnvironmentApi>();

  constructor(options: Options) {
    this.#options = options;
  }

  of(place: Place): EnvironmentApi {
    const name = `${place.project}/${place.environment}`;
    const known = this.#apis.get(name) ?? this.#make(place);
    this.#apis.set(name, known);
    return known;
  }

  #make({ project, environment }: Place): EnvironmentApi {
    const { baseUrl, tokens, onSessionEnded } = this.#options;
    const place = { project, environment };
    // While the page's code is on its way; who needs it waits for the same request, and sees its error.
    tokens.get(place).catch(() => undefined);
    return {
      ...place,
      api: new ApiClient({
        baseUrl,
        token: "session",
        requestOptions: {
          fetch: sessionFetch({ place, tokens, onSessionEnded }),
          retry: { maxAttempts: 3, minTimeoutInMs: 300, maxTimeoutInMs: 3_000 },
        },
      }),
      key: (...parts) => ["environment", project, environment, ...parts],
      token: () =>
        tokens.get(place).catch((error: unknown) => {
          if ((error as { status?: number }).status === 401) onSessionEnded();
          throw error;
        }),
    };
  }
}
