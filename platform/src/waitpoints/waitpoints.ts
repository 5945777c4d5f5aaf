import type { Limits } from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { decodeId, encodeId, newUuid } from "../ids.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { Packet, PageRequest } from "../runs/run.ts";
import { checkTags } from "../runs/trigger-policy.ts";
import { demandStorage } from "../runs/trigger-runs.ts";
import type { Waitpoint } from "./waitpoint.ts";
import type { WaitpointService } from "./waitpoint-service.ts";
import type { WaitpointStore } from "./waitpoint-store.ts";

/** How many of the runs that wait for a token are named. */
const SHOWN_WAITING = 20;

export interface WaitpointDeps {
  store: WaitpointStore;
  limits(environment: EnvironmentRef): Promise<Limits>;
  clock: Clock;
  /** Entries of journals were completed, or soon will be: the wake loop is to look. */
  wake(): void;
  isStorageFull?(): boolean;
}

/** See WaitpointService for what each method promises. */
export function createWaitpointService(deps: WaitpointDeps): WaitpointService {
  const { store } = deps;
  return {
    async create(environment, request) {
      demandStorage(deps);
      const wrong = checkTags(request.tags, await deps.limits(environment));
      if (wrong !== undefined) throw wrong;
      const { id, isCached } = await store.create(environment.id, newUuid(), request);
      // The wake loop learns of later ones by itself.
      if (request.timeoutAt !== undefined && request.timeoutAt.getTime() < deps.clock.now() + 1000) deps.wake();
      return { id: encodeId("waitpoint", id), isCached };
    },
    async retrieve(environment, id) {
      const found = await store.retrieve(environment.id, waitpointUuid(id));
      if (found === undefined) throw tokenNotFound(id);
      return shown(found);
    },
    async list(environment, filter, page) {
      const rows = await store.list(environment.id, filter, uuidPage(page));
      return pageOf(rows.map(shown), page);
    },
    async waitingRuns(environment, ids) {
      const uuids = ids.map(waitpointUuid);
      if (uuids.length === 0) return new Map();
      const found = await store.waitingRuns(environment.id, uuids, SHOWN_WAITING);
      return new Map(
        [...found].map(([id, runs]) => [
          encodeId("waitpoint", id),
          runs.map((run) => ({ ...run, id: encodeId("run", run.id) })),
        ]),
      );
    },
    async complete(environment, id, output) {
      const uuid = waitpointUuid(id);
      refuseLarge(output, await deps.limits(environment));
      const completion = await store.complete(environment.id, uuid, output);
      if (completion === undefined) throw tokenNotFound(id);
      deps.wake();
      return completion;
    },
  };
}

const shown = (token: Waitpoint): Waitpoint => ({ ...token, id: encodeId("waitpoint", token.id) });

/** Errors: MALFORMED_ID. */
export function waitpointUuid(id: string): string {
  const uuid = decodeId("waitpoint", id);
  if (uuid !== undefined) return uuid;
  throw new AppError("MALFORMED_ID", `"${id.slice(0, 80)}" is not the id of a token.`);
}

function tokenNotFound(id: string): AppError {
  return new AppError("TOKEN_NOT_FOUND", `There is no token ${id} in this environment.`);
}

function refuseLarge({ data }: Packet, { outputBytes }: Limits): void {
  if (data.length <= outputBytes) return;
  throw new AppError(
    "OUTPUT_TOO_LARGE",
    `The token's data is of ${data.length} bytes; the limit outputBytes is ${outputBytes}.`,
    { details: { limit: "outputBytes", limitBytes: outputBytes, bytes: data.length } },
  );
}

function uuidPage({ size, after, before }: PageRequest): PageRequest {
  return {
    size,
    ...(after === undefined ? {} : { after: waitpointUuid(after) }),
    ...(before === undefined ? {} : { before: waitpointUuid(before) }),
  };
}

/** The next page is asked for by the last token's id, the previous one by the first's; pages run newest first both ways. */
function pageOf(rows: Waitpoint[], { size, after, before }: PageRequest) {
  const hasMore = rows.length > size;
  const tokens = rows.slice(0, size);
  const isBackwards = before !== undefined;
  if (isBackwards) tokens.reverse();
  const [first, last] = [tokens[0]?.id, tokens.at(-1)?.id];
  return {
    tokens,
    next: isBackwards || hasMore ? last : undefined,
    previous: (isBackwards ? hasMore : after !== undefined) ? first : undefined,
  };
}
