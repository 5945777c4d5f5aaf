import type { UserItem } from "@gantry/sdk";
import { useMemo, useState } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial, useSession } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Page } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { EditDialog, InviteDialog, NewLinkDialog } from "./member-dialogs.tsx";
import { type MemberAsked, MemberMenu } from "./member-menu.tsx";
import classes from "./members.module.css";
import { ROLE_FACTS } from "./role-facts.ts";
import { useChangeMember, useMembers, useSignOutMember } from "./use-members.ts";

/** Who may use this installation, and as what. */
export default function MembersPage() {
  const denial = useDenial("admin");
  const query = useMembers(denial === undefined);
  const [asked, setAsked] = useState<MemberAsked | "invite">();
  const columns = useColumns(setAsked);
  const close = () => setAsked(undefined);
  return (
    <Page
      title="Members"
      description="Who may sign in to this installation. Roles are the same in all of its projects."
      actions={
        <Button variant="primary" icon="plus" disabledReason={denial} onClick={() => setAsked("invite")}>
          Invite
        </Button>
      }
    >
      {denial !== undefined ? (
        <EmptyState icon="lock" title="Members are for admins">
          {denial}
        </EmptyState>
      ) : (
        <QueryView query={query} failed="Members could not be loaded">
          {(members) => (
            <Table label="Members" columns={columns} rows={members} rowKey={({ id }) => id} empty={<NoMembers />} />
          )}
        </QueryView>
      )}
      {asked === "invite" && <InviteDialog onClose={close} />}
      {asked !== undefined && asked !== "invite" && <AskedDialog asked={asked} onClose={close} />}
    </Page>
  );
}

function useColumns(onAsk: (asked: MemberAsked) => void): Column<UserItem>[] {
  const { user: self } = useSession();
  return useMemo(
    () => [
      {
        id: "person",
        header: "Member",
        cell: ({ id, name, email }) => (
          <span className={classes.person}>
            <b>
              {name} {id === self?.id && <span className="muted">(you)</span>}
            </b>
            <span className="muted truncate">{email}</span>
          </span>
        ),
      },
      {
        id: "role",
        header: "Role",
        cell: ({ role }) => (
          <Badge tone={role === "admin" ? "info" : "neutral"} icon="user" title={ROLE_FACTS[role].use}>
            {ROLE_FACTS[role].label}
          </Badge>
        ),
      },
      { id: "state", header: "State", cell: (user) => <MemberState user={user} /> },
      {
        id: "seen",
        header: "Last sign-in",
        hideBelow: 640,
        cell: ({ lastSignInAt }) => (lastSignInAt === null ? "never" : <RelativeTime at={lastSignInAt} />),
      },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "60px",
        cell: (user) => <MemberMenu user={user} isSelf={user.id === self?.id} onAsk={onAsk} />,
      },
    ],
    [self?.id, onAsk],
  );
}

function MemberState({ user }: { user: UserItem }) {
  if (user.disabledAt !== null)
    return (
      <Badge tone="neutral" icon="lock">
        closed
      </Badge>
    );
  if (!user.hasPassword && !user.hasSingleSignOn)
    return (
      <Badge tone="warning" icon="hourglass" title="They have not opened their link yet.">
        invited
      </Badge>
    );
  return (
    <Badge
      tone="success"
      icon="check-circle"
      title={user.hasSingleSignOn ? "Signs in by single sign-on." : "Signs in by password."}
    >
      active
    </Badge>
  );
}

function AskedDialog({ asked: { what, user }, onClose }: { asked: MemberAsked; onClose: () => void }) {
  const { perform } = useChangeMember();
  const { perform: signOut } = useSignOutMember();
  switch (what) {
    case "edit":
      return <EditDialog user={user} onClose={onClose} />;
    case "link":
      return <NewLinkDialog user={user} onClose={onClose} />;
    case "signOut":
      return (
        <ConfirmDialog
          isOpen
          onClose={onClose}
          title={`Sign ${user.name} out everywhere?`}
          confirmLabel="Sign out"
          onConfirm={() => signOut(user)}
        >
          All of their sessions end now. They may sign in again.
        </ConfirmDialog>
      );
    case "disable":
      return (
        <ConfirmDialog
          isOpen
          isDanger
          onClose={onClose}
          title={`Close the account of ${user.name}?`}
          confirmLabel="Close it now"
          onConfirm={() =>
            perform({ user, change: { isDisabled: true }, done: `The account of ${user.name} is closed` })
          }
        >
          They are signed out everywhere and their access tokens stop working. It can be opened again.
        </ConfirmDialog>
      );
    case "enable":
      return (
        <ConfirmDialog
          isOpen
          onClose={onClose}
          title={`Open the account of ${user.name} again?`}
          confirmLabel="Open it"
          onConfirm={() => perform({ user, change: { isDisabled: false }, done: `${user.name} may sign in again` })}
        >
          Their password, role and access tokens are what they were.
        </ConfirmDialog>
      );
  }
}

function NoMembers() {
  return (
    <EmptyState icon="users" title="Nobody signs in here">
      In <code>gantry dev</code> this machine needs no sign-in. Members are for an installation that others reach.
    </EmptyState>
  );
}
