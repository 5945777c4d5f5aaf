import type { StreamFeeds } from "../streams/stream-feeds.ts";
import type { Loop } from "./loop.ts";

/** Looks at every stream that is read here, for hints that were lost. */
export function streamLoop({ feeds }: { feeds: Pick<StreamFeeds, "lookAtAll"> }): Loop {
  return { name: "streams", role: "api", everyMs: 2000, leaderOnly: false, tick: () => feeds.lookAtAll() };
}
