import type { Role } from "@gantry/sdk/contract";

/** Somebody who may sign in. */
export interface User {
  /** user_… */
  id: string;
  /** In lower case. */
  email: string;
  name: string;
  role: Role;
  /** Undefined: they cannot sign in by password. Never leaves the platform. */
  passwordHash: string | undefined;
  /** Who they are at which issuer, once single sign-on has linked them. */
  subject: { issuer: string; subject: string } | undefined;
  createdAt: Date;
  lastSignInAt: Date | undefined;
  disabledAt: Date | undefined;
}

export interface NewUser {
  email: string;
  name: string;
  role: Role;
  passwordHash?: string | undefined;
  subject?: { issuer: string; subject: string } | undefined;
}

/** Only what is named changes. */
export interface UserChange {
  name?: string | undefined;
  role?: Role | undefined;
  isDisabled?: boolean | undefined;
  passwordHash?: string | undefined;
  subject?: { issuer: string; subject: string } | undefined;
}

/** Where users are kept. Each method is one transaction. */
export interface UserStore {
  /** True once there is one, for ever: users are disabled, never deleted. */
  isAny(): Promise<boolean>;
  /** `exists`: this e-mail or this subject is taken. `first` makes it only where nobody is there: one of many at once wins. */
  create(user: NewUser, options?: { first: boolean }): Promise<User | "exists" | "notFirst">;
  byId(id: string): Promise<User | undefined>;
  /** In any case. */
  byEmail(email: string): Promise<User | undefined>;
  bySubject(issuer: string, subject: string): Promise<User | undefined>;
  /** By e-mail. */
  list(): Promise<User[]>;
  /** `lastAdmin`: nothing was changed, as nobody who could sign in as an admin would be left. Undefined: there is no such user. */
  update(id: string, change: UserChange): Promise<User | "lastAdmin" | undefined>;
  signedIn(id: string): Promise<void>;
}
