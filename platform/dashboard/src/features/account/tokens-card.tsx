import type { AccessTokenItem } from "@gantry/sdk";
import { useMemo, useState } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { useSession } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { CreateTokenDialog } from "./token-dialog.tsx";
import { useRevokeToken, useTokens } from "./use-account.ts";

/** For the CLI and for CI: `gantry login`, `GANTRY_ACCESS_TOKEN`. */
export function TokensCard() {
  const query = useTokens();
  const { role } = useSession();
  const [isCreating, setCreating] = useState(false);
  const [revoked, setRevoked] = useState<AccessTokenItem>();
  const columns = useColumns(setRevoked, role === "admin");
  return (
    <Card
      title="Access tokens"
      hint={`For the CLI and for CI, in all projects. Yours do no more than your role.${role === "admin" ? " As an admin you see everybody's." : ""}`}
      isFlush
      actions={
        <Button icon="plus" onClick={() => setCreating(true)}>
          New token
        </Button>
      }
    >
      <QueryView query={query} failed="Access tokens could not be loaded">
        {(tokens) => (
          <Table label="Access tokens" columns={columns} rows={tokens} rowKey={({ id }) => id} empty={<NoTokens />} />
        )}
      </QueryView>
      {isCreating && <CreateTokenDialog onClose={() => setCreating(false)} />}
      {revoked !== undefined && <RevokeDialog token={revoked} onClose={() => setRevoked(undefined)} />}
    </Card>
  );
}

function useColumns(onRevoke: (token: AccessTokenItem) => void, isAdmin: boolean): Column<AccessTokenItem>[] {
  return useMemo(() => {
    const owner: Column<AccessTokenItem> = {
      id: "owner",
      header: "Of",
      hideBelow: 640,
      cell: (token) => token.owner?.email ?? "the operator",
    };
    return [
      {
        id: "name",
        header: "Name",
        cell: ({ name, hint }) => (
          <>
            {name} <code className="muted">…{hint}</code>
          </>
        ),
      },
      ...(isAdmin ? [owner] : []),
      {
        id: "scopes",
        header: "May",
        cell: ({ scopes }) =>
          scopes.map((scope) => <Badge key={scope}>{scope === "full" ? "everything" : scope}</Badge>),
      },
      { id: "created", header: "Made", hideBelow: 640, cell: ({ createdAt }) => <RelativeTime at={createdAt} /> },
      {
        id: "expires",
        header: "Expires",
        cell: ({ expiresAt }) => (expiresAt === null ? "never" : <RelativeTime at={expiresAt} />),
      },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "100px",
        cell: (token) => (
          <Button size="sm" icon="trash" aria-label={`Revoke ${token.name}`} onClick={() => onRevoke(token)}>
            Revoke
          </Button>
        ),
      },
    ];
  }, [onRevoke, isAdmin]);
}

function RevokeDialog({ token, onClose }: { token: AccessTokenItem; onClose: () => void }) {
  const { perform } = useRevokeToken();
  return (
    <ConfirmDialog
      isOpen
      isDanger
      onClose={onClose}
      title={`Revoke "${token.name}"?`}
      confirmLabel="Revoke it now"
      onConfirm={() => perform(token)}
    >
      Whatever uses it is refused from now on. This cannot be undone.
    </ConfirmDialog>
  );
}

function NoTokens() {
  return (
    <EmptyState icon="terminal" title="No access tokens" command="npx gantry login">
      Make one, and give it to the CLI when it asks.
    </EmptyState>
  );
}
