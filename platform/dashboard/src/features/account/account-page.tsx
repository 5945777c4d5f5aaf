import { useSession } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Notice } from "../../ui/notice.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { ROLE_FACTS } from "../members/role-facts.ts";
import { PasswordCard } from "./password-card.tsx";
import { SessionsCard } from "./sessions-card.tsx";
import { TokensCard } from "./tokens-card.tsx";

/** What is one's own: password, sessions, access tokens. */
export default function AccountPage() {
  const { user, role = "viewer", state } = useSession();
  if (user === undefined)
    return (
      <Page title="Account">
        <Stack>
          {state === "local" && (
            <Notice>This machine needs no sign-in: whoever sits at it is admin of its own platform.</Notice>
          )}
          <TokensCard />
        </Stack>
      </Page>
    );
  return (
    <Page
      title="Account"
      description={
        <>
          {user.name} · {user.email}{" "}
          <Badge icon="user" title={ROLE_FACTS[role].use}>
            {ROLE_FACTS[role].label}
          </Badge>
        </>
      }
    >
      <Stack>
        <SessionsCard />
        <TokensCard />
        {user.hasPassword && <PasswordCard email={user.email} />}
        {!user.hasPassword && <Notice icon="lock">You sign in by single sign-on; you have no password here.</Notice>}
      </Stack>
    </Page>
  );
}
