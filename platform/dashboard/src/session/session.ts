import { ApiError } from "@gantry/sdk";

export type Role = "viewer" | "developer" | "admin";

export interface SessionEnvironment {
  project: string;
  projectName: string;
  environment: string;
  type: "DEVELOPMENT" | "STAGING" | "PREVIEW" | "PRODUCTION";
}

/** What `GET /api/v1/auth/session` answers. */
export interface Session {
  /** `setup`: nobody has an account yet. `local`: `gantry dev` on this machine, which needs no sign-in. */
  state: "setup" | "signedOut" | "signedIn" | "local";
  user?: { id: string; email: string; name: string; hasPassword: boolean };
  role?: Role;
  oidc?: { label: string };
  /** False: single sign-on alone. */
  hasPasswordSignIn?: boolean;
  environments: SessionEnvironment[];
  csrfToken?: string;
}

export const isOpen = ({ state }: Session): boolean => state === "signedIn" || state === "local";

/** Errors: ApiError. */
export async function fetchSession(signal?: AbortSignal): Promise<Session> {
  const response = await fetch("/api/v1/auth/session", {
    signal: signal ?? null,
    headers: { accept: "application/json" },
  });
  if (response.ok) return (await response.json()) as Session;
  throw await sessionError(response, "The session could not be read");
}

/** A bearer token for one environment, by the session's cookie. Errors: ApiError; 401 where the session is over. */
export async function fetchEnvironmentToken(
  place: { project: string; environment: string },
  csrfToken: string | undefined,
): Promise<{ token: string; expiresAt: number }> {
  const response = await fetch("/api/v1/auth/session/token", {
    method: "POST",
    headers: { "content-type": "application/json", ...(csrfToken === undefined ? {} : { "x-gantry-csrf": csrfToken }) },
    // Members, the audit log and the account belong to no environment: there may be none yet.
    body: JSON.stringify(place.project === "" ? {} : place),
  });
  if (!response.ok) throw await sessionError(response, "No access to this environment");
  const reply = (await response.json()) as { token: string; expiresAt: string | number };
  return { token: reply.token, expiresAt: new Date(reply.expiresAt).getTime() };
}

async function sessionError(response: Response, what: string): Promise<ApiError> {
  const body = (await response.json().catch(() => ({}))) as { error?: string; code?: string; details?: unknown };
  return new ApiError(body.error ?? `${what}: the server answered ${response.status}.`, {
    status: response.status,
    code: body.code ?? `HTTP_${response.status}`,
    remedy: undefined,
    details: body.details,
    headers: response.headers,
  });
}
