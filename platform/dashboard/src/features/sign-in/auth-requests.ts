import { ApiError } from "@gantry/sdk";
import type { SessionReply, SignedInSession } from "@gantry/sdk/contract";

/** What only the dashboard asks, with its cookie: everything else goes by a token over the API's client. */
const PATH = "/api/v1/auth";

interface Asked {
  method: "GET" | "POST";
  body?: unknown;
  csrfToken?: string | undefined;
}

/** Errors: ApiError. */
async function ask<T>(path: string, { method, body, csrfToken }: Asked): Promise<T> {
  const response = await fetch(`${PATH}${path}`, {
    method,
    headers: {
      accept: "application/json",
      ...(method === "GET" ? {} : { "content-type": "application/json", "x-gantry-csrf": csrfToken ?? "" }),
    },
    ...(method === "GET" ? {} : { body: JSON.stringify(body ?? {}) }),
  });
  const reply = (await response.json().catch(() => ({}))) as T & { error?: string; code?: string; details?: unknown };
  if (response.ok) return reply;
  throw new ApiError(reply.error ?? `The server answered ${response.status}.`, {
    status: response.status,
    code: reply.code ?? `HTTP_${response.status}`,
    remedy: undefined,
    details: reply.details,
    headers: response.headers,
  });
}

export interface NewPerson {
  email: string;
  name: string;
  password: string;
}

/** `csrfToken` is the session's. */
export function authRequests(csrfToken: string | undefined) {
  const post = <T>(path: string, body?: unknown) => ask<T>(path, { method: "POST", body, csrfToken });
  return {
    setUp: (first: NewPerson & { setupSecret: string }) => post<SessionReply>("/setup", first),
    logIn: (credentials: { email: string; password: string }) => post<SessionReply>("/login", credentials),
    logOut: () => post("/logout"),
    invitation: (token: string) => post<{ email: string; name: string; expiresAt: string }>("/invitation", { token }),
    acceptInvitation: (accepted: { token: string; name: string; password: string }) =>
      post<SessionReply>("/invitation/accept", accepted),
    changePassword: (passwords: { currentPassword: string; newPassword: string }) => post("/password", passwords),
    sessions: async () => (await ask<{ data: SignedInSession[] }>("/sessions", { method: "GET" })).data,
    revokeSession: (sessionId: string) => post(`/sessions/${encodeURIComponent(sessionId)}/revoke`),
    revokeOthers: () => post<{ revoked: number }>("/sessions/revoke-others"),
  };
}

/** Where the browser goes to sign in at the identity provider. */
export function singleSignOnPath(returnTo: string): string {
  return `${PATH}/oidc/start?${new URLSearchParams({ returnTo })}`;
}
