import { isFinalRunStatus, RUN_STATUSES } from "@gantry/sdk/contract";
import { AppError } from "../errors.ts";
import { decodeId, encodeId, newUuid } from "../ids.ts";
import { pageOf } from "../insights/page-policy.ts";
import type { EnvironmentRef } from "../projects/principal.ts";
import type { BulkAction, BulkActionStore, BulkActionType, BulkFailure } from "./bulk-action.ts";
import type { RunFilter } from "./run.ts";
import { runUuid, uuidOf } from "./run-ids.ts";
import { storeFilter } from "./runs.ts";

export interface BulkActionRequest {
  type: BulkActionType;
  name?: string | undefined;
  /** As sent, for people, and as runs are listed by. */
  filter?: { sent: Record<string, unknown>; runs: RunFilter } | undefined;
  runIds?: string[] | undefined;
}

/** Ids are public. Errors: MALFORMED_ID, BULK_ACTION_NOT_FOUND. */
export interface BulkActionService {
  create(environment: EnvironmentRef, request: BulkActionRequest): Promise<string>;
  retrieve(environment: EnvironmentRef, id: string): Promise<{ action: BulkAction; failures: BulkFailure[] }>;
  list(
    environment: EnvironmentRef,
    page: { size: number; after?: string; before?: string },
  ): Promise<{ actions: BulkAction[]; next: string | undefined; previous: string | undefined }>;
  /** One that has ended is left as it is. */
  abort(environment: EnvironmentRef, id: string): Promise<void>;
}

/** `onCreate` wakes the loop that carries actions out. */
export function createBulkActionService(deps: { store: BulkActionStore; onCreate(): void }): BulkActionService {
  const { store } = deps;
  const find = async (environment: EnvironmentRef, id: string) => {
    const action = await store.retrieve(environment.id, uuidOf("bulk", id));
    if (action === undefined) throw new AppError("BULK_ACTION_NOT_FOUND", `There is no bulk action ${id}.`);
    return action;
  };
  return {
    async create(environment, { type, name, filter, runIds }) {
      const id = newUuid();
      const chosen = filter && chosenBy(type, storeFilter(filter.runs));
      await store.create({
        id,
        environmentId: environment.id,
        name,
        type,
        filter: filter && { sent: filter.sent, store: chosen ?? {} },
        runIds: runIds !== undefined ? [...new Set(runIds.map(runUuid))] : chosen === undefined ? [] : undefined,
      });
      deps.onCreate();
      return encodeId("bulk", id);
    },
    async retrieve(environment, id) {
      const action = await find(environment, id);
      const failures = action.failed === 0 ? [] : await store.failures(uuidOf("bulk", id));
      return { action, failures };
    },
    async list(environment, page) {
      const { size, after, before } = page;
      const found = await store.list(environment.id, {
        size: size + 1,
        ...(after === undefined ? {} : { after: uuidOf("bulk", after) }),
        ...(before === undefined ? {} : { before: uuidOf("bulk", before) }),
      });
      const { shown, next, previous } = pageOf(found, page);
      return { actions: shown, next, previous };
    },
    async abort(environment, id) {
      await find(environment, id);
      await store.abort(environment.id, decodeId("bulk", id) as string);
    },
  };
}

/** Only what has not ended can be canceled; undefined where the filter is of ended runs alone. */
function chosenBy(type: BulkActionType, filter: RunFilter): RunFilter | undefined {
  if (type === "REPLAY") return filter;
  const status = (filter.status ?? RUN_STATUSES).filter((one) => !isFinalRunStatus(one));
  return status.length === 0 ? undefined : { ...filter, status };
}
