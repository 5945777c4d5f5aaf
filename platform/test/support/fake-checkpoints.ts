import type { CheckpointService, ChunkOwner, RunCheckpoint } from "../../src/checkpoints/checkpoint-service.ts";
import { AppError } from "../../src/errors.ts";

/** Chunks in memory, by checkpoint and number, for tests of the edge; and what a run's checkpoint is said to be. */
export function fakeCheckpoints(said?: RunCheckpoint): CheckpointService & { chunks: Map<string, Buffer> } {
  const chunks = new Map<string, Buffer>();
  const key = ({ executionId, checkpointId }: ChunkOwner, number: number) => `${executionId}/${checkpointId}/${number}`;
  return {
    chunks,
    async allowChunk(_owner, number) {
      if (number > 127) throw new AppError("LIMIT_EXCEEDED", "No stored process may be so large (checkpointBytes).");
    },
    async putChunk(owner, number, chunk) {
      chunks.set(key(owner, number), Buffer.from(chunk));
    },
    async getChunk(owner, number) {
      const chunk = chunks.get(key(owner, number));
      if (chunk === undefined) throw new AppError("CHECKPOINT_NOT_FOUND", "There is no such chunk.");
      return chunk;
    },
    ofRun: async () => said,
  };
}
