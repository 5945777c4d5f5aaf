import type { Session } from "../../session/session.ts";
import { InvitationPage } from "./invitation-page.tsx";
import { LoginPage } from "./login-page.tsx";
import { SetupPage } from "./setup-page.tsx";

/** What somebody sees who is not signed in, whatever page they asked for. */
export default function SignInGate({ session }: { session: Session }) {
  if (isInvitation(location.pathname)) return <InvitationPage session={session} />;
  return session.state === "setup" ? <SetupPage session={session} /> : <LoginPage session={session} />;
}

function isInvitation(pathname: string): boolean {
  return /^\/invitation\/?$/.test(pathname);
}
