import type { SignedInSession } from "@gantry/sdk/contract";
import { useMemo } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import classes from "./account.module.css";
import { browserWords } from "./browser-words.ts";
import { useRevokeOthers, useRevokeSession, useSessions } from "./use-account.ts";

const METHODS = { password: "by password", sso: "by single sign-on", setup: "at set-up", invitation: "by a link" };

/** Where one is signed in. */
export function SessionsCard() {
  const query = useSessions();
  const { start: revokeOthers, isBusy } = useRevokeOthers();
  const columns = useColumns();
  const others = query.data?.filter(({ isCurrent }) => !isCurrent).length ?? 0;
  return (
    <Card
      title="Sessions"
      hint="Browsers in which you are signed in. What you end stops at once, wherever it is."
      isFlush
      actions={
        <Button
          icon="logout"
          isBusy={isBusy}
          disabledReason={others === 0 ? "There is no other session." : undefined}
          onClick={() => revokeOthers(undefined)}
        >
          End all others
        </Button>
      }
    >
      <QueryView query={query} failed="Sessions could not be loaded">
        {(sessions) => <Table label="Sessions" columns={columns} rows={sessions} rowKey={({ id }) => id} />}
      </QueryView>
    </Card>
  );
}

function useColumns(): Column<SignedInSession>[] {
  const { start: revoke, busyWith } = useRevokeSession();
  return useMemo(
    () => [
      {
        id: "browser",
        header: "Browser",
        cell: ({ userAgent, address, isCurrent }) => (
          <span className={classes.browser} title={userAgent ?? undefined}>
            <span>
              {browserWords(userAgent)} {isCurrent && <Badge tone="success">this one</Badge>}
            </span>
            <span className="muted mono">{address ?? "unknown address"}</span>
          </span>
        ),
      },
      {
        id: "begun",
        header: "Signed in",
        hideBelow: 640,
        cell: ({ createdAt, method }) => (
          <>
            <RelativeTime at={createdAt} /> <span className="muted">{METHODS[method]}</span>
          </>
        ),
      },
      { id: "seen", header: "Last seen", cell: ({ lastSeenAt }) => <RelativeTime at={lastSeenAt} /> },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "90px",
        cell: ({ id, isCurrent, userAgent }) =>
          isCurrent ? null : (
            <Button
              size="sm"
              isBusy={busyWith === id}
              aria-label={`End the session of ${browserWords(userAgent)}`}
              onClick={() => revoke(id)}
            >
              End
            </Button>
          ),
      },
    ],
    [revoke, busyWith],
  );
}
