import type { Waitpoint } from "../../src/waitpoints/waitpoint.ts";
import type { WaitpointStore } from "../../src/waitpoints/waitpoint-store.ts";

/** Tokens in memory, for tests of the edge; what Postgres does is tested on Postgres. Keys never expire here. */
export function fakeWaitpointStore(guard: () => void): WaitpointStore {
  const tokens = new Map<string, Waitpoint & { environmentId: number }>();
  const find = (environmentId: number, id: string) => {
    guard();
    const token = tokens.get(id);
    return token?.environmentId === environmentId ? token : undefined;
  };
  return {
    async create(environmentId, id, { idempotencyKey, idempotencyKeyTtlMs = 0, timeoutAt, tags }) {
      guard();
      const known = [...tokens.values()].find(
        (token) =>
          idempotencyKey !== undefined &&
          token.environmentId === environmentId &&
          token.idempotencyKey === idempotencyKey,
      );
      if (known !== undefined) return { id: known.id, isCached: true };
      tokens.set(id, {
        environmentId,
        id,
        status: timeoutAt !== undefined && timeoutAt.getTime() <= Date.now() ? "TIMED_OUT" : "WAITING",
        tags,
        createdAt: new Date(),
        timeoutAt,
        completedAt: timeoutAt !== undefined && timeoutAt.getTime() <= Date.now() ? timeoutAt : undefined,
        idempotencyKey,
        idempotencyKeyExpiresAt:
          idempotencyKey === undefined ? undefined : new Date(Date.now() + Math.min(idempotencyKeyTtlMs, 1e12)),
        output: undefined,
      });
      return { id, isCached: false };
    },
    async retrieve(environmentId, id) {
      return find(environmentId, id);
    },
    async list(environmentId, filter, page) {
      guard();
      const found = [...tokens.values()].filter(
        (token) =>
          token.environmentId === environmentId &&
          (filter.status === undefined || filter.status.includes(token.status)) &&
          (filter.tags === undefined || filter.tags.some((tag) => token.tags.includes(tag))) &&
          (filter.idempotencyKey === undefined || filter.idempotencyKey === token.idempotencyKey) &&
          (page.after === undefined || token.id < page.after) &&
          (page.before === undefined || token.id > page.before),
      );
      if (page.before === undefined) found.reverse();
      return found.slice(0, page.size + 1);
    },
    async waitingRuns() {
      return new Map();
    },
    async complete(environmentId, id, output) {
      const token = find(environmentId, id);
      if (token === undefined) return undefined;
      if (token.status !== "WAITING") return { status: token.status, isFirst: false };
      Object.assign(token, { status: "COMPLETED", completedAt: new Date(), output });
      return { status: "COMPLETED", isFirst: true };
    },
  };
}
