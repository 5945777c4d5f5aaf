import { ApiClient } from "./api-client.ts";
import { onceIdempotencyKey } from "./idempotency-key.ts";
import { onceInRun } from "./once-in-run.ts";
import { encodeValue } from "./packet.ts";
import { requestPublicToken } from "./public-token.ts";
import type { TriggerRequestOptions } from "./request-options.ts";
import type { AnyTask, HandleOf, TaskIdentifier, TaskPayload, TriggerOptions } from "./run-handle.ts";
import type { TriggerReply } from "./run-request.ts";
import { triggerBody, triggerFingerprint } from "./trigger-body.ts";

/**
 * Queues a run of a task, durably: when it resolves, the run is committed. Inside a run it is journalled: a run that loses
 * its process and goes on elsewhere triggers it once.
 *
 * Errors: TASK_NOT_FOUND, PAYLOAD_TOO_LARGE, QUEUE_FULL and the rest of the registry, as ApiError.
 */
export async function trigger<T extends AnyTask>(
  id: TaskIdentifier<T>,
  payload: TaskPayload<T>,
  options?: TriggerOptions,
  requestOptions?: TriggerRequestOptions,
): Promise<HandleOf<T>> {
  const encoded = encodeValue(payload);
  return onceInRun({
    label: id,
    fingerprint: () => triggerFingerprint(id, encoded, options),
    perform: async (onceKey) => {
      const client = ApiClient.forCall(requestOptions);
      const reply = await client.triggerTask(
        id,
        await triggerBody(encoded, options, await onceIdempotencyKey(onceKey)),
      );
      return {
        id: reply.id,
        taskIdentifier: id,
        isCached: reply.isCached,
        publicAccessToken: await handleToken(client, reply, `read:runs:${reply.id}`, requestOptions),
      } as HandleOf<T>;
    },
  });
}

/** The token that came with the reply, or one that lives as long as the caller asks. */
export async function handleToken(
  client: ApiClient,
  reply: Pick<TriggerReply, "publicAccessToken">,
  scope: string,
  options: TriggerRequestOptions | undefined,
): Promise<string> {
  const expirationTime = options?.publicAccessToken?.expirationTime;
  if (expirationTime === undefined) return reply.publicAccessToken;
  return requestPublicToken(client, { scopes: [scope], expirationTime });
}
