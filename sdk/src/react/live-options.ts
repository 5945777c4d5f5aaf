import { useMemo } from "react";
import { type ResolvedConfig, resolveConfig } from "../client/configuration.ts";
import type { AccessToken, LiveOptions } from "../client/realtime/index.ts";
import type { RequestOptions } from "../client/request-options.ts";
import { useTriggerAuthContextOptional } from "./auth-context.ts";
import { useStableFunction } from "./stable-function.ts";

/** What every hook takes; the provider's where it is left out. */
export interface UseApiClientOptions {
  /** A public token, or a function that gets one from your backend: it is called again when the last one has expired. */
  accessToken?: AccessToken | undefined;
  baseURL?: string | undefined;
  requestOptions?: RequestOptions | undefined;
  /** A new token when `accessToken` has expired; the same as giving a function as `accessToken`. */
  refreshAccessToken?: (() => Promise<string>) | undefined;
  /** False: nothing is asked, and a missing token is no error. Default true. */
  enabled?: boolean | undefined;
}

export type Access = { ok: true; options: LiveOptions } | { ok: false; error: Error | undefined };

/** Address and token for the observers, the same object until one of them changes; or why there is none. */
export function useAccess(own: UseApiClientOptions & { throttleInMs?: number | undefined } = {}): Access {
  const context = useTriggerAuthContextOptional();
  const accessToken = useToken(own, context.accessToken);
  const baseURL = own.baseURL ?? context.baseURL;
  const { enabled = true, throttleInMs } = own;
  const requestOptions = own.requestOptions ?? context.requestOptions;
  const requestKey = JSON.stringify([requestOptions?.additionalHeaders, requestOptions?.timeoutInMs]);
  // requestOptions is often written inline; what matters of it is its key.
  return useMemo((): Access => {
    if (!enabled) return { ok: false, error: undefined };
    try {
      // A function is no token yet, but it says that there will be one.
      const known = typeof accessToken === "function" ? "by function" : accessToken;
      const { baseUrl, token } = resolveConfig({ clientConfig: { baseURL, accessToken: known } });
      const chosen = typeof accessToken === "function" ? accessToken : token;
      return { ok: true, options: { baseUrl, accessToken: chosen, requestOptions, throttleInMs } };
    } catch (error) {
      return { ok: false, error: error as Error };
    }
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [enabled, accessToken, baseURL, requestKey, throttleInMs]);
}

function useToken(own: UseApiClientOptions, inherited: AccessToken | undefined): AccessToken | undefined {
  const { accessToken, refreshAccessToken } = own;
  const stable = useStableFunction(typeof accessToken === "function" ? accessToken : undefined);
  const refresh = useStableFunction(refreshAccessToken);
  const text = typeof accessToken === "string" ? accessToken : undefined;
  const refreshing = useMemo(() => {
    if (refresh === undefined) return undefined;
    let first = text ?? (typeof inherited === "string" ? inherited : undefined);
    return () => {
      const token = first;
      first = undefined;
      return token ?? refresh();
    };
  }, [text, refresh, inherited]);
  return stable ?? refreshing ?? text ?? inherited;
}

/** Address, token and options as they are now, for a call over REST. */
export async function configOf({ baseUrl, accessToken, requestOptions }: LiveOptions): Promise<ResolvedConfig> {
  const token = typeof accessToken === "function" ? await accessToken() : accessToken;
  return { baseUrl, token, requestOptions: requestOptions ?? {} };
}
