import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { SESSION_KEY, useEnvironment, useSession } from "../../session/session-provider.tsx";
import { IconButton } from "../../ui/button.tsx";
import { Menu } from "../../ui/menu.tsx";
import { toast } from "../../ui/toast.tsx";
import { authRequests } from "../sign-in/auth-requests.ts";

type AccountPage = "account" | "members" | "audit";

/** Who is signed in, what is theirs, and the way out. */
export function UserMenu() {
  const { user, role, csrfToken, state } = useSession();
  const queries = useQueryClient();
  const open = useOpenPage();
  const logOut = async () => {
    try {
      await authRequests(csrfToken).logOut();
      // Nothing that was read for this person is shown to the next one.
      queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION_KEY[0] });
      await queries.invalidateQueries({ queryKey: SESSION_KEY });
    } catch (error) {
      toast.error("You are still signed in", error);
    }
  };
  const name = user?.name ?? "This machine";
  return (
    <Menu
      label={name}
      align="start"
      trigger={(props) => <IconButton icon="user" label={`${name}: account and members`} {...props} />}
      items={[
        { label: "Account", hint: user?.email, icon: "user", onSelect: () => open("account") },
        ...(role === "admin"
          ? [
              { label: "Members", icon: "users", onSelect: () => open("members") } as const,
              { label: "Audit log", icon: "audit", onSelect: () => open("audit") } as const,
            ]
          : []),
        ...(state === "signedIn"
          ? ["separator" as const, { label: "Sign out", icon: "logout", onSelect: () => void logOut() } as const]
          : []),
      ]}
    />
  );
}

/** Beside the environment that one looks at, where there is one. */
function useOpenPage() {
  const navigate = useNavigate();
  const { project, environment } = useEnvironment();
  return (page: AccountPage) => {
    const to = project === "" ? `/${page}` : `/projects/${project}/${environment}/${page}`;
    void navigate({ to: to as "/" });
  };
}
