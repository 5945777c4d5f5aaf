import type { LiveRun } from "@gantry/sdk/contract";
import { listedRun, metadataOf, runReply } from "../http/run-view.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { RunDetail } from "../runs/run.ts";

export interface LiveRunView {
  /** As single runs are shown; else as in lists, with metadata. */
  isWhole: boolean;
  withPayload: boolean;
  withOutput: boolean;
  link(field: "payload" | "output"): string;
}

const PAYLOAD = ["payload", "payloadType", "payloadMeta", "payloadPresignedUrl"] as const;
const OUTPUT = ["output", "outputType", "outputMeta", "outputPresignedUrl"] as const;

/** A run as clients of realtime see it; the API's shape, without relatives. */
export function liveRun(run: RunDetail, environment: EnvironmentRef, view: LiveRunView): LiveRun {
  if (!view.isWhole) return { ...listedRun(run, environment), metadata: metadataOf(run) };
  const env = { id: environment.publicId, name: environment.slug };
  const { relatedRuns: _, ...whole } = { env, ...runReply(run, {}, view.link) };
  if (!view.withPayload) for (const field of PAYLOAD) delete whole[field];
  if (!view.withOutput) for (const field of OUTPUT) delete whole[field];
  return whole;
}
