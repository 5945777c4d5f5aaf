import { createHash } from "node:crypto";
import type { Role } from "@gantry/sdk/contract";
import type { Clock } from "../clock.ts";
import { AppError } from "../errors.ts";
import { newSecret } from "../ids.ts";
import { normalEmail } from "./email-ref.ts";
import type { InvitationStore } from "./invitations.ts";
import type { Origin } from "./session.ts";
import type { SessionService } from "./sessions.ts";
import { type Entered, enter, type SignInService } from "./sign-in.ts";
import type { User, UserChange, UserStore } from "./user.ts";

export const INVITATION_MS = 7 * 86_400_000;
const TOKEN = /^[0-9A-Za-z]{43}$/;

export interface Invitation {
  /** Shown this once. */
  token: string;
  expiresAt: Date;
}

/** Who may use the platform. Errors of all: USER_NOT_FOUND. */
export interface MemberService {
  list(): Promise<User[]>;
  /** With a password they sign in at once, without it by the invitation, or by single sign-on where that is the one way. Errors: USER_EXISTS, PASSWORD_REFUSED. */
  create(member: {
    email: string;
    name: string;
    role: Role;
    password?: string | undefined;
  }): Promise<{ user: User; invitation?: Invitation }>;
  /** Whoever is disabled is signed out everywhere, another role counts from the next request on. Errors: LAST_ADMIN. */
  update(userId: string, change: Pick<UserChange, "name" | "role" | "isDisabled">): Promise<User>;
  /** A link to choose a password, also for one who forgot theirs. The link before it works no more. */
  invite(userId: string): Promise<{ user: User; invitation: Invitation }>;
  /** Errors: INVITATION_INVALID. */
  invited(token: string, origin: Origin): Promise<{ user: User; expiresAt: Date }>;
  /** Sets the password, ends all other sessions, signs in. Errors: INVITATION_INVALID, PASSWORD_REFUSED. */
  accept(accepted: { token: string; name?: string | undefined; password: string }, origin: Origin): Promise<Entered>;
}

export interface MembersDeps {
  users: UserStore;
  invitations: InvitationStore;
  sessions: SessionService;
  signIn: Pick<SignInService, "hashNew" | "countSecret">;
  clock: Clock;
  /** False: nobody has a password, so there are no links to choose one; who is added signs in by single sign-on. */
  hasPasswordSignIn: boolean;
}

export function createMemberService(deps: MembersDeps): MemberService {
  const { users, invitations, sessions, signIn, clock } = deps;

  async function newInvitation(userId: string): Promise<Invitation> {
    if (!deps.hasPasswordSignIn) throw passwordsOff();
    const token = newSecret(43);
    const expiresAt = new Date(clock.now() + INVITATION_MS);
    await invitations.put(userId, hashToken(token), expiresAt);
    return { token, expiresAt };
  }

  /** Those who were disabled since have no way in. */
  async function invitedUser(found: { userId: string } | undefined): Promise<User> {
    const user = found && (await users.byId(found.userId));
    if (user === undefined || user.disabledAt !== undefined) throw invalidInvitation();
    return user;
  }

  return {
    list: () => users.list(),

    async create({ email, name, role, password }) {
      const passwordHash = password === undefined ? undefined : await signIn.hashNew(password, email);
      const user = await users.create({ email: normalEmail(email), name, role, passwordHash });
      if (typeof user === "string") throw new AppError("USER_EXISTS", `There is a user ${normalEmail(email)} already.`);
      return password === undefined && deps.hasPasswordSignIn
        ? { user, invitation: await newInvitation(user.id) }
        : { user };
    },

    async update(userId, change) {
      const user = await users.update(userId, change);
      if (user === undefined) throw missing();
      if (user === "lastAdmin")
        throw new AppError("LAST_ADMIN", "This is the last admin who can sign in; nobody could make another.");
      if (user.disabledAt !== undefined) await sessions.end(userId);
      sessions.changed(userId);
      return user;
    },

    async invite(userId) {
      const user = await users.byId(userId);
      if (user === undefined) throw missing();
      return { user, invitation: await newInvitation(userId) };
    },

    async invited(token, origin) {
      await signIn.countSecret(origin);
      const found = TOKEN.test(token) ? await invitations.find(hashToken(token)) : undefined;
      const user = await invitedUser(found);
      return { user, expiresAt: found?.expiresAt as Date };
    },

    async accept({ token, name, password }, origin) {
      await signIn.countSecret(origin);
      if (!deps.hasPasswordSignIn) throw passwordsOff();
      if (!TOKEN.test(token)) throw invalidInvitation();
      const { email } = await invitedUser(await invitations.find(hashToken(token)));
      const passwordHash = await signIn.hashNew(password, email);
      const { id } = await invitedUser(await invitations.take(hashToken(token)));
      const user = await users.update(id, { passwordHash, name });
      if (user === undefined || user === "lastAdmin") throw invalidInvitation();
      await sessions.end(id);
      return enter(deps, user, "invitation", origin);
    },
  };
}

function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

function passwordsOff(): AppError {
  return new AppError("PASSWORD_SIGN_IN_OFF", "This platform does not take passwords.");
}

function missing(): AppError {
  return new AppError("USER_NOT_FOUND", "There is no user of this id.");
}

function invalidInvitation(): AppError {
  return new AppError("INVITATION_INVALID", "This link was used already, has expired, or was replaced by a newer one.");
}
