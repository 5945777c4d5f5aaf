import { createHash, timingSafeEqual } from "node:crypto";
import { AppError } from "../errors.ts";
import { accountKey, loginLimits, secretLimits } from "./attempt-policy.ts";
import type { AttemptLimit, AttemptStore } from "./attempts.ts";
import { normalEmail } from "./email-ref.ts";
import type { PasswordHasher } from "./password-hasher.ts";
import { decidePassword, normalPassword } from "./password-policy.ts";
import type { Origin, SignInMethod } from "./session.ts";
import type { SessionService, SignedIn } from "./sessions.ts";
import type { User, UserStore } from "./user.ts";

/** What a browser gets when it signed in. */
export interface Entered {
  user: User;
  sessionId: string;
  /** The session's secret, for its cookie. */
  cookie: string;
}

export interface SignInService {
  /** Whether nobody is there yet: the first user is made with the setup secret. */
  needsSetup(): Promise<boolean>;
  /** The first user, an admin. Errors: SETUP_SECRET_WRONG, SETUP_DONE, PASSWORD_REFUSED, RATE_LIMITED. */
  setUp(first: { secret: string; email: string; name: string; password: string }, origin: Origin): Promise<Entered>;
  /**
   * The same answer after the same work, whether the account exists or not. Errors: BAD_CREDENTIALS, RATE_LIMITED,
   * PASSWORD_SIGN_IN_OFF.
   */
  logIn(credentials: { email: string; password: string }, origin: Origin): Promise<Entered>;
  /** The session goes on, all others of the user end. Errors: BAD_CREDENTIALS, PASSWORD_REFUSED, RATE_LIMITED. */
  changePassword(of: SignedIn, passwords: { current: string; next: string }, origin: Origin): Promise<void>;
  /** Errors: PASSWORD_REFUSED. */
  hashNew(password: string, email: string): Promise<string>;
  /** One try at a secret that cannot be guessed. Errors: RATE_LIMITED. */
  countSecret(origin: Origin): Promise<void>;
}

export interface SignInDeps {
  users: UserStore;
  attempts: AttemptStore;
  sessions: SessionService;
  hasher: PasswordHasher;
  /** Whoever knows it makes the first user. */
  setupSecret: string;
  /** False: single sign-on alone. */
  hasPasswordSignIn: boolean;
}

export function createSignInService(deps: SignInDeps): SignInService {
  const { users, attempts, sessions, hasher } = deps;
  let isSetUp = false;
  let decoy: Promise<string> | undefined;

  /** What the password of an account that is not there is compared with. */
  function decoyHash(): Promise<string> {
    decoy ??= hasher.hash("an account that is not there").catch((error: unknown) => {
      decoy = undefined;
      throw error;
    });
    return decoy;
  }

  async function count(limits: readonly AttemptLimit[]): Promise<void> {
    const waitMs = await attempts.take(limits);
    if (waitMs === 0) return;
    throw new AppError("RATE_LIMITED", "There were too many attempts to sign in.", {
      details: { limit: "signInAttempts" },
      retryAfterSeconds: Math.max(1, waitMs / 1000),
    });
  }

  async function hashNew(password: string, email: string): Promise<string> {
    const decision = decidePassword(password, email);
    if (!decision.accept)
      throw new AppError("PASSWORD_REFUSED", decision.message, { details: { reason: decision.reason } });
    return hasher.hash(normalPassword(password));
  }

  return {
    hashNew,

    async needsSetup() {
      isSetUp ||= await users.isAny();
      return !isSetUp;
    },

    countSecret: ({ address }) => count(secretLimits(address)),

    async setUp({ secret, email, name, password }, origin) {
      await count(secretLimits(origin.address));
      if (await users.isAny()) throw setupDone();
      if (!isSame(secret, deps.setupSecret))
        throw new AppError("SETUP_SECRET_WRONG", "This is not the secret by which the first user is made.");
      const passwordHash = await hashNew(password, email);
      const user = await users.create(
        { email: normalEmail(email), name, role: "admin", passwordHash },
        { first: true },
      );
      if (typeof user === "string") throw setupDone();
      isSetUp = true;
      return enter(deps, user, "setup", origin);
    },

    async logIn({ email, password }, origin) {
      if (!deps.hasPasswordSignIn) throw new AppError("PASSWORD_SIGN_IN_OFF", "This platform does not take passwords.");
      const account = normalEmail(email);
      await count(loginLimits(account, origin.address));
      const user = await users.byEmail(account);
      const hash = user?.passwordHash ?? (await decoyHash());
      const isRight = await hasher.verify(normalPassword(password), hash);
      if (!isRight || user?.passwordHash === undefined || user.disabledAt !== undefined)
        throw new BadCredentials(user?.email);
      await attempts.forget([accountKey(account, origin.address)]);
      return enter(deps, user, "password", origin);
    },

    async changePassword({ user, session }, { current, next }, origin) {
      await count(loginLimits(user.email, origin.address));
      const isRight =
        user.passwordHash !== undefined && (await hasher.verify(normalPassword(current), user.passwordHash));
      if (!isRight) throw new AppError("BAD_CREDENTIALS", "The current password is wrong.");
      const passwordHash = await hashNew(next, user.email);
      await attempts.forget([accountKey(user.email, origin.address)]);
      await users.update(user.id, { passwordHash });
      await sessions.end(user.id, { except: session.id });
    },
  };
}

/** How every way in ends: a session begins, and the user was there. */
export async function enter(
  { users, sessions }: Pick<SignInDeps, "users" | "sessions">,
  user: User,
  method: SignInMethod,
  origin: Origin,
): Promise<Entered> {
  const { cookie, session } = await sessions.begin(user.id, method, origin);
  await users.signedIn(user.id);
  return { user, cookie, sessionId: session.id };
}

/** To whoever tried it says nothing of the account; `account` is for the audit log: the address, where there is such a user. */
export class BadCredentials extends AppError {
  readonly account: string | undefined;

  constructor(account: string | undefined) {
    super("BAD_CREDENTIALS", "The e-mail address or the password is wrong.");
    this.account = account;
  }
}

function setupDone(): AppError {
  return new AppError("SETUP_DONE", "The first user exists already.");
}

/** In constant time, whatever their lengths are. */
function isSame(said: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text.trim()).digest();
  return timingSafeEqual(digest(said), digest(wanted));
}
