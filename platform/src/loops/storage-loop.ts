import type { Logger } from "../logging.ts";
import type { Loop } from "./loop.ts";

/** With less than this free nothing new is taken, so that what runs can end and be stored. */
export const MIN_FREE_BYTES = 256 * 1024 * 1024;
/** Taken again only with some more, lest it changes with every file. */
const ENOUGH_BYTES = MIN_FREE_BYTES * 1.25;

export interface StorageDeps {
  /** Room on the database's disk; undefined where nobody can tell (it is on another machine). */
  freeBytes(): Promise<number | undefined>;
  setFull(isFull: boolean): void;
  logger: Logger;
}

/** Sees a full disk coming: Postgres on one stops altogether. */
export function storageLoop(deps: StorageDeps): Loop {
  let isFull = false;
  return {
    name: "storage",
    everyMs: 5_000,
    leaderOnly: false,
    role: "api",
    async tick() {
      const free = await deps.freeBytes();
      const isNowFull = free !== undefined && free < (isFull ? ENOUGH_BYTES : MIN_FREE_BYTES);
      if (isNowFull === isFull) return;
      isFull = isNowFull;
      deps.setFull(isFull);
      const megabytes = Math.round((free ?? 0) / 1024 / 1024);
      if (isFull) deps.logger.error({ megabytes }, "the database's disk is nearly full: nothing new is taken");
      else deps.logger.info({ megabytes }, "the database's disk has room again");
    },
  };
}
