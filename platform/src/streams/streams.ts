import type { Limits } from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { encodeId, newUuid } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import { runNotFound, runUuid } from "../runs/run-ids.ts";
import { checkTags } from "../runs/trigger-policy.ts";
import { demandStorage } from "../runs/trigger-runs.ts";
import type { StreamRef, WritingExecution } from "./stream.ts";
import type { StreamFeeds } from "./stream-feeds.ts";
import type { StreamHints } from "./stream-hints.ts";
import type { StreamService } from "./stream-service.ts";
import type { Refused, StreamStore } from "./stream-store.ts";

export interface StreamDeps {
  store: StreamStore;
  feeds: StreamFeeds;
  hints: Pick<StreamHints, "streamed">;
  limits(environment: EnvironmentRef): Promise<Limits>;
  clock: Clock;
  /** Tokens were completed, or soon will be: the wake loop is to look. */
  wake(): void;
  isStorageFull?(): boolean;
}

/** See StreamService for what each method promises. */
export function createStreamService(deps: StreamDeps): StreamService {
  const { store, feeds, hints } = deps;
  const announce = ({ id }: EnvironmentRef, runId: string) => hints.streamed(id, runId);
  return {
    async append(environment, named, append, writer) {
      demandStorage(deps);
      const stream = refOf(environment, named);
      const limits = await deps.limits(environment);
      const result = await store.append(stream, append, limits, inUuids(writer));
      const appended = await demandStored(deps, stream, named.runId, result);
      announce(environment, named.runId);
      return appended;
    },

    async send(environment, named, message) {
      demandStorage(deps);
      const stream = refOf(environment, { ...named, direction: "input" });
      const result = await store.send(stream, message, await deps.limits(environment));
      const { index, isTaken } = await demandStored(deps, stream, named.runId, result);
      if (isTaken) deps.wake();
      announce(environment, named.runId);
      return { index };
    },

    async wait(environment, named, request, writer) {
      demandStorage(deps);
      const stream = refOf(environment, { ...named, direction: "input" });
      const limits = await deps.limits(environment);
      const wrong = checkTags(request.tags, limits);
      if (wrong !== undefined) throw wrong;
      const result = await store.wait(stream, { ...request, id: newUuid() }, limits, inUuids(writer));
      const { id, isCached } = await demandStored(deps, stream, named.runId, result);
      // The wake loop learns of later ones by itself.
      if (request.timeoutAt !== undefined && request.timeoutAt.getTime() < deps.clock.now() + 1000) deps.wake();
      return { id: encodeId("waitpoint", id), isCached };
    },

    async open(environment, named, from) {
      const reading = await feeds.open(refOf(environment, named), named.runId, from);
      if (reading === undefined) throw runNotFound(named.runId);
      return reading;
    },

    async list(environment, runId) {
      const streams = await store.list(environment.id, runUuid(runId));
      if (streams === undefined) throw runNotFound(runId);
      return streams;
    },
  };
}

/** Errors: MALFORMED_ID. */
function refOf({ id }: EnvironmentRef, { runId, direction, name }: Omit<StreamRef, "environmentId">): StreamRef {
  return { environmentId: id, runId: runUuid(runId), direction, name };
}

function inUuids(writer: WritingExecution | undefined): WritingExecution | undefined {
  return writer === undefined ? undefined : { ...writer, runId: runUuid(writer.runId) };
}

async function demandStored<T extends object>(
  { store }: StreamDeps,
  stream: StreamRef,
  runId: string,
  result: T | Refused,
): Promise<T> {
  if (!("refused" in result)) return result;
  const { refused } = result;
  if (refused === "FENCED") throw new AppError("EXECUTION_FENCED", `Run ${runId} is no longer this worker's.`);
  if (refused !== "RUN_ENDED") {
    throw new AppError(
      refused.code,
      refused.message,
      refused.details === undefined ? {} : { details: refused.details },
    );
  }
  const [found] = await store.look([stream]);
  if (found === undefined) throw runNotFound(runId);
  throw new AppError("RUN_ALREADY_FINISHED", `Run ${runId} has ended, and so have its streams.`);
}
