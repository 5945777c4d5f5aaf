import { useCallback } from "react";
import { send } from "../client/http.ts";
import type { SendStreamBody, SendStreamReply } from "../contract/api/streams.ts";
import { configOf, type UseApiClientOptions, useAccess } from "./live-options.ts";
import { useCall } from "./use-call.ts";

export interface InputStreamSendInstance<TData> {
  /** Sends the run a message. */
  send: (data: TData) => void;
  isLoading: boolean;
  /** There is a run and permission to write to it. */
  isReady: boolean;
  error: Error | undefined;
}

/**
 * Sends messages to an input stream of a run; the token needs `write:inputStreams:<the run>`.
 *
 * @example const { send } = useInputStreamSend<{ text: string }>("chat", runId, { accessToken });
 */
export function useInputStreamSend<TData>(
  stream: string | { id: string },
  runId: string | undefined,
  options: UseApiClientOptions = {},
): InputStreamSendInstance<TData> {
  const access = useAccess({ ...options, enabled: runId !== undefined && (options.enabled ?? true) });
  const name = typeof stream === "string" ? stream : stream.id;
  const { call, isLoading, error } = useCall(async (data: TData) => {
    if (!access.ok || runId === undefined) throw (!access.ok && access.error) || new Error("There is no run yet.");
    // With an id of its own it can be repeated where the reply is lost.
    const body: SendStreamBody = { data, id: crypto.randomUUID() };
    await send<SendStreamReply>(await configOf(access.options), {
      method: "POST",
      path: `/realtime/v1/streams/${encodeURIComponent(runId)}/input/${encodeURIComponent(name)}`,
      json: body,
      repeatable: "always",
    });
  });
  const sendMessage = useCallback((data: TData) => void call(data), [call]);
  return {
    send: sendMessage,
    isLoading,
    isReady: access.ok && runId !== undefined,
    error: error ?? (access.ok ? undefined : access.error),
  };
}
