import { keysApi } from "@gantry/sdk";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { POLL } from "../../queries/polling.ts";
import { useAction } from "../../queries/use-action.ts";
import { useEnvironment } from "../../session/session-provider.tsx";
import type { KeyScope } from "./key-facts.ts";

function useKeysApi() {
  const { api, key } = useEnvironment();
  return useMemo(() => ({ keys: keysApi(api), listKey: key("keys") }), [api, key]);
}

/** For admins alone: the API refuses all others. */
export function useKeys(isEnabled: boolean) {
  const { keys, listKey } = useKeysApi();
  return useQuery({ queryKey: listKey, queryFn: () => keys.list(), refetchInterval: POLL.slow, enabled: isEnabled });
}

export function useCreateKey() {
  const { keys, listKey } = useKeysApi();
  return useAction({ run: (scope: KeyScope) => keys.create(scope), stale: [listKey] });
}

/** The new key, and the old one that goes on for a grace. */
export function useRotateKey() {
  const { keys, listKey } = useKeysApi();
  return useAction({
    run: async ({ id, scope, graceSeconds }: { id: string; scope: KeyScope; graceSeconds: number }) => {
      const created = await keys.create(scope);
      await keys.revoke(id, graceSeconds);
      return created;
    },
    stale: [listKey],
  });
}

export function useRevokeKey() {
  const { keys, listKey } = useKeysApi();
  return useAction({
    run: ({ id }: { id: string; hint: string }) => keys.revoke(id),
    done: (_nothing, { hint }) => `The key …${hint} is revoked`,
    stale: [listKey],
  });
}
