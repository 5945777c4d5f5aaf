import { WORKER_CHECKPOINT_CHUNK_PATH } from "@gantry/sdk/contract";

/** Where the platform at `url` has a chunk. */
export function chunkUrl(url: string, checkpointId: string, number: number): URL {
  const path = WORKER_CHECKPOINT_CHUNK_PATH.replace(":checkpointId", encodeURIComponent(checkpointId));
  return new URL(path.replace(":number", String(number)), url);
}
