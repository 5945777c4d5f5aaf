import type { Grant, JournalAppend, MetadataOperation } from "@gantry/sdk/contract";
import type { WorkerLink } from "../../src/cluster/worker-service.ts";
import { newUuid } from "../../src/ids.ts";
import type { Platform } from "../../src/platform.ts";

/** A worker with room on a real platform: it takes what it is granted and says what a test tells it to say. */
export async function playWorker({ engine }: Platform, environmentId: number, deploymentId: string) {
  const grants = new Map<string, Grant[]>();
  const told: { type: string; executionId: string }[] = [];
  let onNews = () => undefined as void;
  const link: WorkerLink = {
    workerId: newUuid(),
    environmentId,
    deploymentId,
    send(message) {
      if (message.type === "grant")
        for (const grant of message.grants) grants.set(grant.run.id, [...(grants.get(grant.run.id) ?? []), grant]);
      else if ("executionId" in message) told.push({ type: message.type, executionId: message.executionId });
      onNews();
    },
    close() {},
  };
  await engine.workers.hello(link, {
    type: "hello",
    id: newUuid(),
    protocol: 1,
    workerId: link.workerId,
    pid: 1,
    host: "h",
    executions: [],
  });
  engine.workers.capacity(link, 100);
  const ref = ({ executionId, fence }: Grant) => ({ id: newUuid(), executionId, fence });
  let metadataBatches = 0;

  return {
    grants,
    told,
    /** Resolves once `look` finds something among what came from the platform. */
    async until<T>(look: () => T | undefined): Promise<T> {
      for (;;) {
        const { promise, resolve } = Promise.withResolvers<void>();
        onNews = resolve;
        const found = look();
        if (found !== undefined) return found;
        await promise;
      }
    },
    /** The run's nth grant, from 0. */
    granted(runId: string, nth = 0): Promise<Grant> {
      return this.until(() => grants.get(runId)?.[nth]);
    },
    journal: (grant: Grant, known: number, entries: JournalAppend[] = []) =>
      engine.workers.journal(link, { type: "journal", ...ref(grant), known, entries }),
    park: (grant: Grant, known: number, mode: "hold" | "replay") =>
      engine.workers.park(link, {
        type: "park",
        ...ref(grant),
        attempt: grant.attempt,
        known,
        mode,
        reason: mode === "hold" ? "UNSAFE" : "LONG_WAIT",
        computeMs: 1,
        ifLost:
          mode === "hold" ? { then: "fail", because: "wrap fetch (welcome.ts:14) in step.run" } : { then: "replay" },
      }),
    complete: (grant: Grant, output: unknown = null) =>
      engine.workers.complete(link, {
        type: "complete",
        ...ref(grant),
        attempt: grant.attempt,
        outcome: { kind: "completed", outputType: "application/json", output: JSON.stringify(output) },
        usage: { computeMs: 1 },
      }),
    cancel: (grant: Grant) =>
      engine.workers.complete(link, {
        type: "complete",
        ...ref(grant),
        attempt: grant.attempt,
        outcome: { kind: "canceled" },
        usage: { computeMs: 1 },
      }),
    metadata: (
      grant: Grant,
      operations: { own?: MetadataOperation[]; parent?: MetadataOperation[]; root?: MetadataOperation[] },
    ) =>
      engine.workers.metadata(link, {
        type: "metadata",
        ...ref(grant),
        batch: metadataBatches++,
        operations: operations.own ?? [],
        parentOperations: operations.parent ?? [],
        rootOperations: operations.root ?? [],
      }),
  };
}
export type PlayedWorker = Awaited<ReturnType<typeof playWorker>>;
