import type { BatchItemsReply } from "../contract/api/index.ts";
import { ApiError } from "./api-error.ts";
import type { ResolvedConfig } from "./configuration.ts";
import { send, toJson } from "./http.ts";
import type { TriggerBody } from "./trigger-body.ts";

export interface BatchUploadItem extends TriggerBody {
  index: number;
  task: string;
}

/** A chunk this long (characters) is sent; an item that is longer goes alone. Small enough to be sent again cheaply. */
const CHUNK_LENGTH = 4 * 1024 * 1024;

/**
 * Sends a batch's items as NDJSON, in chunks. Each may be repeated: the platform knows an item by its index.
 *
 * Errors: as `send`; BATCH_NOT_SEALED where the platform still misses items after the last chunk.
 */
export async function uploadItems(config: ResolvedConfig, batchId: string, items: BatchUploadItem[]): Promise<void> {
  let reply: BatchItemsReply | undefined;
  for (const chunk of ndjsonChunks(items)) {
    reply = await sendChunk(config, batchId, chunk);
    if (reply.sealed) return;
  }
  throw new ApiError(
    `Batch ${batchId} has ${reply?.enqueuedCount ?? "fewer"} of its ${reply?.expectedCount ?? items.length} items.`,
    {
      status: undefined,
      code: "BATCH_NOT_SEALED",
      remedy: "Send the batch again with an idempotencyKey; what was queued is not repeated.",
    },
  );
}

async function sendChunk(config: ResolvedConfig, batchId: string, chunk: string): Promise<BatchItemsReply> {
  const { data } = await send<BatchItemsReply>(config, {
    method: "POST",
    path: `/api/v3/batches/${encodeURIComponent(batchId)}/items`,
    body: { contentType: "application/x-ndjson", make: () => chunk },
    repeatable: "always",
  });
  return data;
}

export function* ndjsonChunks(items: BatchUploadItem[], maxLength = CHUNK_LENGTH): Generator<string> {
  let chunk = "";
  for (const item of items) {
    const line = `${toJson(item)}\n`;
    if (chunk !== "" && chunk.length + line.length > maxLength) {
      yield chunk;
      chunk = "";
    }
    chunk += line;
  }
  if (chunk !== "") yield chunk;
}
