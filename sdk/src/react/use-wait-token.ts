import { useCallback } from "react";
import { send } from "../client/http.ts";
import { encodeValue } from "../client/packet.ts";
import type { CompleteTokenBody, CompleteTokenReply } from "../contract/api/waitpoints.ts";
import { configOf, type UseApiClientOptions, useAccess } from "./live-options.ts";
import { useCall } from "./use-call.ts";

export interface WaitTokenInstance<TOutput> {
  /** Completes the token: who waits for it goes on with this value. */
  complete: (output: TOutput) => void;
  isLoading: boolean;
  isCompleted: boolean;
  /** There is a token and permission to complete it. */
  isReady: boolean;
  error: Error | undefined;
}

/**
 * Completes a waitpoint token, e.g. by a button. `accessToken` is the `publicAccessToken` that `wait.createToken` returned.
 *
 * @example const { complete, isCompleted } = useWaitToken<{ approved: boolean }>(token.id, { accessToken });
 */
export function useWaitToken<TOutput>(
  tokenId: string | undefined,
  options: UseApiClientOptions = {},
): WaitTokenInstance<TOutput> {
  const access = useAccess({ ...options, enabled: tokenId !== undefined && (options.enabled ?? true) });
  const { call, isLoading, result, error } = useCall(async (output: TOutput) => {
    if (!access.ok || tokenId === undefined) throw (!access.ok && access.error) || new Error("There is no token yet.");
    const { data, dataType } = encodeValue(output);
    const body: CompleteTokenBody = { data, dataType: dataType as NonNullable<CompleteTokenBody["dataType"]> };
    await send<CompleteTokenReply>(await configOf(access.options), {
      method: "POST",
      path: `/api/v1/waitpoints/tokens/${encodeURIComponent(tokenId)}/complete`,
      json: body,
      repeatable: "always",
    });
    return tokenId;
  });
  const complete = useCallback((output: TOutput) => void call(output), [call]);
  return {
    complete,
    isLoading,
    // Another token is another matter.
    isCompleted: result !== undefined && result === tokenId,
    isReady: access.ok && tokenId !== undefined,
    error: error ?? (access.ok ? undefined : access.error),
  };
}
