import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useMemo, useRef } from "react";
import { type EnvironmentApi, EnvironmentApis } from "./environment-apis.ts";
import { EnvironmentTokens } from "./environment-tokens.ts";
import { fetchEnvironmentToken, type Role, type Session, type SessionEnvironment } from "./session.ts";
import { SESSION_KEY, sessionQuery } from "./session-query.ts";

export { SESSION_KEY };

export const useSessionQuery = () => useQuery(sessionQuery);

interface SessionContextValue {
  session: Session;
  environments: EnvironmentApis;
}
const SessionContext = createContext<SessionContextValue | undefined>(undefined);

export function SessionProvider({ session, children }: { session: Session; children: ReactNode }) {
  const queries = useQueryClient();
  // Another person gets other tokens; a session that is read again keeps its own, and its sockets.
  const csrfToken = useRef(session.csrfToken);
  csrfToken.current = session.csrfToken;
  const userId = session.user?.id;
  const environments = useMemo(() => {
    const tokens = new EnvironmentTokens((place) => fetchEnvironmentToken(place, csrfToken.current));
    const onSessionEnded = () => void queries.invalidateQueries({ queryKey: SESSION_KEY });
    return new EnvironmentApis({ baseUrl: location.origin, tokens, onSessionEnded });
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- made anew for another person
  }, [userId, queries]);
  const value = useMemo(() => ({ session, environments }), [session, environments]);
  return <SessionContext value={value}>{children}</SessionContext>;
}

function useSessionContext(): SessionContextValue {
  const value = useContext(SessionContext);
  if (value === undefined) throw new Error("This component needs a SessionProvider.");
  return value;
}

/** Who is signed in, and which environments they may see. */
export const useSession = (): Session => useSessionContext().session;

/** The environment in the address, and its API: the same object for all who ask. */
export function useEnvironment(): EnvironmentApi {
  const { environments } = useSessionContext();
  const { project = "", environment = "" } = useParams({ strict: false }) as Partial<SessionEnvironment>;
  return environments.of({ project, environment });
}

const RANK: Record<Role, number> = { viewer: 0, developer: 1, admin: 2 };

/** Why the signed-in user may not do what `needs` this role; undefined where they may. For `disabledReason`. */
export function useDenial(needs: Role): string | undefined {
  const { role = "viewer" } = useSession();
  return RANK[role] >= RANK[needs]
    ? undefined
    : `Your role is ${role}; this needs ${needs === "admin" ? "an admin" : `a ${needs}`}.`;
}
