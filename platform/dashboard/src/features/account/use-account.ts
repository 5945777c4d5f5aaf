import { accessTokensApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment, useSession } from "../../session/session-provider.tsx";
import { authRequests } from "../sign-in/auth-requests.ts";

const SESSIONS_KEY = ["account", "sessions"];
const TOKENS_KEY = ["account", "tokens"];

function useRequests() {
  const { csrfToken } = useSession();
  return useMemo(() => authRequests(csrfToken), [csrfToken]);
}

export function useSessions() {
  const requests = useRequests();
  return useQuery({ queryKey: SESSIONS_KEY, queryFn: () => requests.sessions(), refetchInterval: POLL.slow });
}

export function useRevokeSession() {
  const requests = useRequests();
  return useAction({
    run: (sessionId: string) => requests.revokeSession(sessionId),
    done: () => "The session has ended",
    stale: [SESSIONS_KEY],
  });
}

export function useRevokeOthers() {
  const requests = useRequests();
  return useAction({
    run: () => requests.revokeOthers(),
    done: ({ revoked }) => (revoked === 1 ? "One other session has ended" : `${revoked} other sessions have ended`),
    stale: [SESSIONS_KEY],
  });
}

export function useChangePassword() {
  const requests = useRequests();
  return useAction({
    run: (passwords: { currentPassword: string; newPassword: string }) => requests.changePassword(passwords),
    done: () => "The password is changed; your other sessions have ended",
    stale: [SESSIONS_KEY],
  });
}

export function useTokens() {
  const { api } = useEnvironment();
  return useQuery({ queryKey: TOKENS_KEY, queryFn: () => accessTokensApi(api).list(), refetchInterval: POLL.slow });
}

export interface NewToken {
  name: string;
  scope: "full" | "trigger" | "read" | "deploy";
  /** Undefined: it never expires. */
  days: number | undefined;
}

export function useCreateToken() {
  const { api } = useEnvironment();
  return useAction({
    run: ({ name, scope, days }: NewToken) => {
      const expiresAt = days === undefined ? undefined : new Date(Date.now() + days * 86_400_000);
      return accessTokensApi(api).create({ name, scopes: [scope], expiresAt });
    },
    stale: [TOKENS_KEY],
  });
}

export function useRevokeToken() {
  const { api } = useEnvironment();
  return useAction({
    run: ({ id }: { id: string; name: string }) => accessTokensApi(api).revoke(id),
    done: (_nothing, { name }) => `The token "${name}" is revoked`,
    stale: [TOKENS_KEY],
  });
}
