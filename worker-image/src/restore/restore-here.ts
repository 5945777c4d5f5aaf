import type { RestoreGrant } from "@gantry/sdk/contract";
import { realCriu } from "../checkpoint/criu.ts";
import { nodeFeatures } from "../checkpoint/node-features.ts";
import type { RunnerConfig } from "../runner-config.ts";
import type { TaskSockets } from "../task-sockets.ts";
import { type BroughtBack, bringBack } from "./bring-back.ts";
import { chunkGetter, retried } from "./chunk-fetch.ts";

export interface Here {
  config: RunnerConfig;
  sockets: TaskSockets;
  workerToken: string;
}

/** See bring-back.ts: with this node's CRIU, from this runner's platform. */
export function bringBackHere(here: Here, restore: RestoreGrant, signal: AbortSignal): Promise<BroughtBack> {
  const { config, sockets, workerToken } = here;
  const { url, criuDir, node, carriedDirs } = config;
  return bringBack(
    restore,
    {
      criu: realCriu(criuDir),
      features: () => nodeFeatures(node),
      chunks: (checkpointId) => retried(chunkGetter({ url, workerToken, checkpointId })),
      folders: carriedDirs,
      listenAt: (path) => sockets.listenAlsoAt(path),
    },
    signal,
  );
}
