import { ApiClient } from "@gantry/sdk";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useMemo } from "react";
import { devKey, sessionOfKey } from "./dev-key.ts";
import { EnvironmentTokens } from "./environment-tokens.ts";
import { fetchEnvironmentToken, fetchSession, type Role, type Session, type SessionEnvironment } from "./session.ts";
import { sessionFetch } from "./session-fetch.ts";

export const SESSION_KEY = ["session"];

export function useSessionQuery() {
  return useQuery({
    queryKey: SESSION_KEY,
    queryFn: ({ signal }) => {
      const key = devKey();
      return key === undefined ? fetchSession(signal) : sessionOfKey(key);
    },
    staleTime: 60_000,
  });
}

interface SessionContextValue {
  session: Session;
  tokens: EnvironmentTokens;
}
const SessionContext = createContext<SessionContextValue | undefined>(undefined);

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  const { csrfToken } = session;
  const tokens = useMemo(
    () =>
      new EnvironmentTokens(async (place) => {
        const key = devKey();
        if (key !== undefined) return { token: key, expiresAt: Number.POSITIVE_INFINITY };
        return fetchEnvironmentToken(place, csrfToken);
      }),
    [csrfToken],
  );
  const value = useMemo(() => ({ session, tokens }), [session, tokens]);
  return <SessionContext value={value}>{children}</SessionContext>;
}

function useSessionContext(): SessionContextValue {
  const value = useContext(SessionContext);
  if (value === undefined) throw new Error("This component needs a SessionProvider.");
  return value;
}

/** Who is signed in, and which environments they may see. */
export const useSession = (): Session => useSessionContext().session;

export interface EnvironmentApi {
  /** The API of the environment in the address. Every page talks to the platform by it alone. */
  api: ApiClient;
  project: string;
  environment: string;
  /** A query's key within this environment: `key("queues", name)`. */
  key: (...parts: unknown[]) => unknown[];
  /** Resolves to a bearer token that is good for the next minute at least: for sockets. */
  token: () => Promise<string>;
}

/** The environment in the address, and its API. */
export function useEnvironment(): EnvironmentApi {
  const { tokens } = useSessionContext();
  const { project = "", environment = "" } = useParams({ strict: false }) as Partial<SessionEnvironment>;
  const queries = useQueryClient();
  return useMemo(() => {
    const place = { project, environment };
    const onSessionEnded = () => void queries.invalidateQueries({ queryKey: SESSION_KEY });
    return {
      ...place,
      api: new ApiClient({
        baseUrl: location.origin,
        token: "session",
        requestOptions: {
          fetch: sessionFetch({ place, tokens, onSessionEnded }),
          retry: { maxAttempts: 3, minTimeoutInMs: 300, maxTimeoutInMs: 3_000 },
        },
      }),
      key: (...parts: unknown[]) => ["environment", project, environment, ...parts],
      token: () => tokens.get(place),
    };
  }, [project, environment, tokens, queries]);
}

const RANK: Record<Role, number> = { viewer: 0, developer: 1, admin: 2 };

/** Why the signed-in user may not do what `needs` this role; undefined where they may. For `disabledReason`. */
export function useDenial(needs: Role): string | undefined {
  const { role = "viewer" } = useSession();
  return RANK[role] >= RANK[needs]
    ? undefined
    : `Your role is ${role}; this needs ${needs === "admin" ? "an admin" : `a ${needs}`}.`;
}
