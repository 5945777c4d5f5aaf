import type { Role } from "@gantry/sdk/contract";

/** What each role may do, in words; the platform decides. */
export const ROLE_FACTS: Record<Role, { label: string; use: string }> = {
  viewer: { label: "Viewer", use: "Sees everything but values of variables and keys; changes nothing." },
  developer: { label: "Developer", use: "Also triggers, cancels and replays runs, deploys, and sets variables." },
  admin: { label: "Admin", use: "Also handles keys, limits and members, and reads the audit log." },
};

export const ROLES = Object.keys(ROLE_FACTS) as Role[];
