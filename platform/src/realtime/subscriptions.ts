import type { AppError } from "../errors.ts";
import type { LiveRuns } from "./live-runs.ts";
import type { RealtimeSocket, SocketFeature } from "./realtime-socket.ts";
import type { Subscription } from "./room.ts";
import { readSubscribe, readUnsubscribe } from "./target-policy.ts";
import { tooMany } from "./too-many.ts";

export interface SubscriptionsDeps {
  runs: LiveRuns;
  clock: { now(): number };
  /** How many one socket may have. */
  limit(socket: RealtimeSocket): Promise<number>;
}

/** Subscriptions of one socket to runs and sets of them. */
export function subscriptionsOf(deps: SubscriptionsDeps) {
  return (socket: RealtimeSocket): SocketFeature => {
    const { runs } = deps;
    const byId = new Map<string, Subscription>();
    /** Being made; counted, so that many at once are not more than allowed. */
    const making = new Map<string, object>();
    let isGone = false;

    const end = (id: string) => {
      making.delete(id);
      const known = byId.get(id);
      if (known !== undefined) runs.leave(known);
      byId.delete(id);
    };
    const close = (id: string, error: AppError) => {
      end(id);
      socket.send("closed", { id, error: { code: error.code, message: error.message } });
    };

    return {
      events: {
        async subscribe(request) {
          const wish = readSubscribe(request, deps.clock.now());
          const { id } = wish;
          // The same id again takes the place of what was there.
          end(id);
          const mine = {};
          making.set(id, mine);
          try {
            const limit = await deps.limit(socket);
            for (const { id: known, state } of byId.values()) if (state === "ended") byId.delete(known);
            if (byId.size + making.size > limit) throw tooMany(limit);
            const { subscription, begin } = await runs.subscribe(socket, wish);
            if (isGone || making.get(id) !== mine) return runs.leave(subscription);
            byId.set(id, subscription);
            return begin;
          } finally {
            if (making.get(id) === mine) making.delete(id);
          }
        },
        unsubscribe: (request) => end(readUnsubscribe(request)),
      },
      ready() {
        for (const subscription of byId.values()) {
          if (subscription.state === "ended") byId.delete(subscription.id);
          else runs.resume(subscription);
        }
      },
      renewed() {
        for (const [id, subscription] of byId) {
          const refusal = runs.refusal(subscription);
          if (refusal !== undefined) close(id, refusal);
        }
      },
      end(error) {
        for (const id of byId.keys()) close(id, error);
      },
      gone() {
        isGone = true;
        for (const id of [...byId.keys(), ...making.keys()]) end(id);
      },
    };
  };
}
