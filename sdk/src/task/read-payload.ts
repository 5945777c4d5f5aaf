import { decodeValue } from "../client/packet.ts";
import type { Grant } from "../contract/worker-protocol.ts";
import type { Attempt } from "./attempt.ts";
import { TaskExecutionError, TaskPayloadParsedError } from "./errors.ts";

/**
 * Decodes the attempt's payload and parses it by the task's schema.
 *
 * Errors: PAYLOAD_UNREADABLE; TaskPayloadParsedError, with the payload left as it was decoded.
 */
export async function readPayload(attempt: Attempt): Promise<void> {
  attempt.payload = decode(attempt.scope.grant);
  const { parsePayload } = attempt.task;
  if (!parsePayload) return;
  try {
    attempt.payload = await parsePayload(attempt.payload);
  } catch (error) {
    throw new TaskPayloadParsedError(error);
  }
}

function decode({ run }: Grant): unknown {
  try {
    return decodeValue(run.payload, run.payloadType);
  } catch (cause) {
    throw new TaskExecutionError("PAYLOAD_UNREADABLE", `The payload is no ${run.payloadType}.`, cause);
  }
}
