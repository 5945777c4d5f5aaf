import { useCallback } from "react";
import { encodeValue } from "../client/packet.ts";
import type { AnyTask, HandleOf, TaskIdentifier, TaskPayload, TriggerOptions } from "../client/run-handle.ts";
import { requestTrigger } from "../client/run-request.ts";
import { triggerBody } from "../client/trigger-body.ts";
import { configOf, type UseApiClientOptions, useAccess } from "./live-options.ts";
import { useCall } from "./use-call.ts";

export type UseTaskTriggerOptions = UseApiClientOptions;

export interface TriggerInstance<TTask extends AnyTask> {
  /** Starts a run. Its outcome is in `handle` or `error`. */
  submit: (payload: TaskPayload<TTask>, options?: TriggerOptions) => void;
  isLoading: boolean;
  /** The run, once the platform has taken it. */
  handle: HandleOf<TTask> | undefined;
  error: Error | undefined;
}

/**
 * Starts runs of a task from the browser; the token has to be one of `auth.createTriggerPublicToken`.
 *
 * @example const { submit, handle } = useTaskTrigger<typeof importCsv>("import-csv", { accessToken });
 */
export function useTaskTrigger<TTask extends AnyTask>(
  id: TaskIdentifier<TTask>,
  options: UseTaskTriggerOptions = {},
): TriggerInstance<TTask> {
  const access = useAccess(options);
  const { call, isLoading, result, error } = useCall(
    async (payload: TaskPayload<TTask>, triggerOptions?: TriggerOptions) => {
      if (!access.ok) throw access.error ?? new Error("The hook is not enabled.");
      const body = await triggerBody(encodeValue(payload), triggerOptions);
      const reply = await requestTrigger(await configOf(access.options), id, body);
      return { ...reply, taskIdentifier: id } as HandleOf<TTask>;
    },
  );
  const submit = useCallback(
    (payload: TaskPayload<TTask>, triggerOptions?: TriggerOptions) => void call(payload, triggerOptions),
    [call],
  );
  return { submit, isLoading, handle: result, error: error ?? (access.ok ? undefined : access.error) };
}
