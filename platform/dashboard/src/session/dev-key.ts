import { ApiClient } from "@gantry/sdk";
import type { Session } from "./session.ts";

/**
 * Until the platform answers `/api/v1/auth/session`: a key from the address's fragment (`#key=gt_dev_sk_…`) stands for a
 * session of its one environment.
 */
const STORE = "gantry.key";

export function devKey(): string | undefined {
  const given = /[#&]key=([\w-]+)/.exec(location.hash)?.[1];
  if (given !== undefined) {
    sessionStorage.setItem(STORE, given);
    history.replaceState(null, "", location.pathname + location.search);
  }
  return sessionStorage.getItem(STORE) ?? undefined;
}

export async function sessionOfKey(key: string): Promise<Session> {
  const me = await new ApiClient({ baseUrl: location.origin, token: key }).whoami();
  if (me.project === undefined || me.environment === undefined) throw new Error("This key belongs to no environment.");
  return {
    state: "local",
    role: "admin",
    environments: [
      {
        project: me.project.ref,
        projectName: me.project.name,
        environment: me.environment.slug,
        type: me.environment.type as Session["environments"][number]["type"],
      },
    ],
  };
}
