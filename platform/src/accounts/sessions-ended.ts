import type { Bus } from "../cluster/bus.ts";

/** Sessions of a user that ended, or whose user may do something else now. */
export interface SessionsChange {
  userId: string;
  /** Undefined: all of the user's; their personal access tokens too. */
  sessionIds: string[] | undefined;
}

/**
 * Says on every replica at once that sessions ended: who keeps something open for one verifies its token anew. What the bus
 * loses is noticed within seconds, as a session is remembered no longer.
 */
export interface SessionsEnded {
  announce(change: SessionsChange): void;
  /** Ended here or on another replica. Answers with what takes the listener away again. */
  onChange(listener: (change: SessionsChange) => void): () => void;
}

export function sessionsEnded(bus: Bus): SessionsEnded {
  const listeners = new Set<(change: SessionsChange) => void>();
  const tell = (change: SessionsChange) => {
    for (const listener of listeners) listener(change);
  };
  bus.subscribe((message) => {
    if (message.type === "sessions") tell({ userId: message.userId, sessionIds: message.sessionIds });
  });
  return {
    announce({ userId, sessionIds }) {
      tell({ userId, sessionIds });
      bus.publish({ type: "sessions", userId, ...(sessionIds === undefined ? {} : { sessionIds }) });
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
