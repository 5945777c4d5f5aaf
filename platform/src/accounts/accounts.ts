import type { AuditLog } from "./audit-log.ts";
import type { MemberService } from "./members.ts";
import type { SessionTokens } from "./session-tokens.ts";
import type { SessionService } from "./sessions.ts";
import type { SignInService } from "./sign-in.ts";
import type { SingleSignOn } from "./single-sign-on.ts";

/** Everything about people, for the edges. */
export interface Accounts {
  signIn: SignInService;
  sessions: SessionService;
  tokens: SessionTokens;
  members: MemberService;
  audit: AuditLog;
  /** Undefined where no identity provider is set. */
  singleSignOn: SingleSignOn | undefined;
  hasPasswordSignIn: boolean;
  /** A platform of `gantry dev`: whoever asks from this very machine is admin. */
  isLocal: boolean;
}
