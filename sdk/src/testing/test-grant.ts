import { encodeValue } from "../client/packet.ts";
import { MACHINE_PRESETS } from "../contract/machine-presets.ts";
import type { Grant } from "../contract/worker-protocol.ts";

export interface TestGrantOptions {
  taskId: string;
  payload: unknown;
  attempt: number;
  maxAttempts: number;
  metadata: Record<string, unknown>;
  tags: string[];
  parentRunId?: string | undefined;
}

const VERSION = "20260101.1";

export const TEST_RUN_ID = "run_test";

/** What a platform would hand to a worker for such a run. */
export function testGrant({
  taskId,
  payload,
  attempt,
  maxAttempts,
  metadata,
  tags,
  parentRunId,
}: TestGrantOptions): Grant {
  const { data, dataType } = encodeValue(payload);
  const now = Date.now();
  return {
    executionId: "exec_test",
    fence: "1",
    attempt,
    runToken: "test",
    run: {
      id: TEST_RUN_ID,
      taskId,
      payload: data ?? "",
      payloadType: dataType,
      metadata: JSON.stringify(metadata),
      tags,
      isTest: true,
      createdAt: now,
      startedAt: now,
      maxAttempts,
      priority: 0,
      depth: parentRunId === undefined ? 0 : 1,
      ...(parentRunId === undefined ? {} : { parentRunId, rootRunId: parentRunId }),
      version: VERSION,
    },
    queue: { id: "queue_test", name: `task/${taskId}` },
    machine: MACHINE_PRESETS["small-1x"],
    environment: { id: "env_test", slug: "dev", type: "DEVELOPMENT" },
    project: { id: "proj_test", ref: "test", name: "test" },
    deployment: { id: "deployment_test", version: VERSION },
  };
}
