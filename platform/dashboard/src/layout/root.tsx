import { Outlet } from "@tanstack/react-router";
import { lazy, Suspense } from "react";
import { isOpen } from "../session/session.ts";
import { SessionProvider, useSessionQuery } from "../session/session-provider.tsx";
import { ErrorState } from "../ui/error-state.tsx";
import { Toaster } from "../ui/toast.tsx";

const SignInGate = lazy(() => import("../features/sign-in/sign-in-gate.tsx"));

/** A link to choose a password, whoever is signed in here now. */
const isInvitation = (pathname: string) => /^\/invitation\/?$/.test(pathname);

/** Nothing is shown before it is known who looks at it. */
export function Root() {
  const { data: session, error, refetch } = useSessionQuery();
  if (session === undefined) {
    if (error === null) return null;
    return <ErrorState error={error} title="Gantry does not answer" onRetry={refetch} />;
  }
  if (!isOpen(session) || isInvitation(location.pathname))
    return (
      <Suspense>
        <SignInGate session={session} />
      </Suspense>
    );
  return (
    <SessionProvider session={session}>
      <Outlet />
      <Toaster />
    </SessionProvider>
  );
}
