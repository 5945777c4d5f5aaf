import type { ApiKey, CreatedKey } from "../contract/api/index.ts";
import type { ApiClient } from "./api-client.ts";
import { type Revived, reviveDates } from "./dates.ts";

export type ApiKeyItem = Revived<ApiKey>;
/** With the key itself, which is never shown again. */
export type CreatedKeyItem = Revived<CreatedKey>;

/** Secret keys of the credential's environment; for admins. */
export function keysApi(api: ApiClient) {
  return {
    async list(): Promise<ApiKeyItem[]> {
      const request = { method: "GET", path: PATH, repeatable: "always" } as const;
      return (await api.request<{ data: ApiKey[] }>(request)).data.data.map((key) => reviveDates(key));
    },
    async create(scope: ApiKey["scope"]): Promise<CreatedKeyItem> {
      const request = { method: "POST", path: PATH, json: { scope }, repeatable: "undelivered" } as const;
      return reviveDates((await api.request<CreatedKey>(request)).data);
    },
    /** At once, or after a grace in which it still works: a rotation. */
    async revoke(keyId: string, graceSeconds = 0): Promise<void> {
      const path = `${PATH}/${encodeURIComponent(keyId)}/revoke`;
      await api.request({ method: "POST", path, json: { graceSeconds }, repeatable: "always" });
    },
  };
}

const PATH = "/api/v1/keys";
