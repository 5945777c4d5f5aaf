import { createHash } from "node:crypto";
import type { Clock } from "../clock.ts";
import { newSecret } from "../ids.ts";
import { ExpiringCache } from "../projects/expiring-cache.ts";
import type { Origin, Session, SessionStore, SignInMethod } from "./session.ts";
import { decideSession, type SessionTimes } from "./session-policy.ts";
import type { SessionsChange, SessionsEnded } from "./sessions-ended.ts";
import type { User } from "./user.ts";

/** How long a session that was ended may go on where the bus has lost the word; milliseconds. */
const REMEMBERED_MS = 3_000;
const SEEN_EVERY_MS = 60_000;
const COOKIE = /^[0-9A-Za-z]{43}$/;

export interface SignedIn {
  session: Session;
  user: User;
}

export interface SessionService {
  /** A new session with a secret of its own: nothing that the browser brought along is kept. `cookie` is shown this once. */
  begin(userId: string, method: SignInMethod, origin: Origin): Promise<{ cookie: string; session: Session }>;
  /** Whose cookie it is; undefined where the session is over. Counts as use of it. */
  byCookie(cookie: string): Promise<SignedIn | undefined>;
  /** For tokens: remembered for seconds, forgotten at once when the session ends. */
  byId(sessionId: string): Promise<SignedIn | undefined>;
  list(userId: string): Promise<Session[]>;
  /** Answers with the ids of those that were live. */
  end(userId: string, which?: { only?: string; except?: string }): Promise<string[]>;
  /** Sessions of this user do something else from now on (their role changed): what is remembered of them is asked again. */
  changed(userId: string): void;
  /** See SessionsEnded. */
  onEnded(listener: (change: SessionsChange) => void): () => void;
}

export function createSessionService(deps: {
  store: SessionStore;
  ended: SessionsEnded;
  clock: Clock;
  times: SessionTimes;
}): SessionService {
  const { store, ended, clock, times } = deps;
  const remembered = new ExpiringCache<string, SignedIn | undefined>({
    clock,
    ttlMs: REMEMBERED_MS,
    maxEntries: 10_000,
  });
  ended.onChange(({ sessionIds }) => {
    if (sessionIds === undefined) remembered.clear();
    else for (const id of sessionIds) remembered.delete(id);
  });

  function live(found: SignedIn | undefined): SignedIn | undefined {
    return found !== undefined && decideSession(found.session, found.user, times, clock.now()).live ? found : undefined;
  }

  return {
    async begin(userId, method, { address, userAgent }) {
      const cookie = newSecret(43);
      const createdAt = new Date(clock.now());
      const session = await store.create({
        userId,
        method,
        tokenHash: hashCookie(cookie),
        createdAt,
        expiresAt: new Date(createdAt.getTime() + times.maxMs),
        address,
        userAgent: userAgent?.slice(0, 400),
      });
      return { cookie, session };
    },

    async byCookie(cookie) {
      if (!COOKIE.test(cookie)) return undefined;
      const found = live(await store.byTokenHash(hashCookie(cookie)));
      const now = clock.now();
      if (found !== undefined && found.session.lastSeenAt.getTime() + SEEN_EVERY_MS <= now)
        await store.seen(found.session.id, new Date(now));
      return found;
    },

    byId: async (sessionId) => live(await remembered.get(sessionId, () => store.byId(sessionId))),

    async list(userId) {
      const user = { disabledAt: undefined };
      return (await store.list(userId)).filter((session) => decideSession(session, user, times, clock.now()).live);
    },

    async end(userId, which = {}) {
      const sessionIds = await store.revoke(userId, which, new Date(clock.now()));
      if (sessionIds.length > 0) ended.announce({ userId, sessionIds });
      return sessionIds;
    },

    changed: (userId) => ended.announce({ userId, sessionIds: undefined }),
    onEnded: (listener) => ended.onChange(listener),
  };
}

/** A cookie is random enough for a plain hash. */
function hashCookie(cookie: string): Buffer {
  return createHash("sha256").update(cookie).digest();
}
