export type KeyScope = "full" | "trigger" | "read" | "deploy";

/** What keys of each scope are for. */
export const KEY_SCOPES: Record<KeyScope, { label: string; use: string }> = {
  full: { label: "Full", use: "Everything in this environment: a backend that triggers, watches and administers." },
  trigger: { label: "Trigger only", use: "Makes runs and sees nothing: a backend that only triggers." },
  read: { label: "Read only", use: "Sees runs, queues and schedules: monitoring, reports." },
  deploy: { label: "Deploy only", use: "Deploys versions and sets variables: CI." },
};

export type KeyState = "active" | "expiring" | "expired";

export function keyState(expiresAt: Date | null, now: number): KeyState {
  if (expiresAt === null) return "active";
  return expiresAt.getTime() > now ? "expiring" : "expired";
}

/** How long an old key may go on after a rotation. */
export const GRACES = [
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "2592000", label: "30 days" },
] as const;
