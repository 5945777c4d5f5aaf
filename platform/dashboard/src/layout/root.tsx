import { Outlet } from "@tanstack/react-router";
import { isOpen } from "../session/session.ts";
import { SessionProvider, useSessionQuery } from "../session/session-provider.tsx";
import { ErrorState } from "../ui/error-state.tsx";
import { Toaster } from "../ui/toast.tsx";

/** Nothing is shown before it is known who looks at it. */
export function Root() {
  const { data: session, error, refetch } = useSessionQuery();
  if (session === undefined) {
    if (error === null) return null;
    return <ErrorState error={error} title="Gantry does not answer" onRetry={refetch} />;
  }
  if (!isOpen(session))
    return <ErrorState error={new Error("Nobody is signed in.")} title="Signed out" onRetry={refetch} />;
  return (
    <SessionProvider session={session}>
      <Outlet />
      <Toaster />
    </SessionProvider>
  );
}
