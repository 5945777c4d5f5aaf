import type { ApiKeyItem } from "@gantry/sdk";
import { useMemo, useState } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { useClock } from "../../ui/clock.ts";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Page } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { CreateKeyDialog, RotateKeyDialog } from "./key-dialogs.tsx";
import { KEY_SCOPES, keyState } from "./key-facts.ts";
import classes from "./keys.module.css";
import { useKeys, useRevokeKey } from "./use-keys.ts";

type Asked = { what: "create" } | { what: "rotate" | "revoke"; item: ApiKeyItem };

/** Secret keys of the environment: made here and shown once, rotated, revoked. */
export default function KeysPage() {
  const denial = useDenial("admin");
  const { environment } = useEnvironment();
  const query = useKeys(denial === undefined);
  const [asked, setAsked] = useState<Asked>();
  const columns = useColumns(setAsked);
  const close = () => setAsked(undefined);
  return (
    <Page
      title="API keys"
      description={`With a key, your backend triggers and watches runs in ${environment}. Several may be good at once.`}
      actions={
        <Button variant="primary" icon="plus" disabledReason={denial} onClick={() => setAsked({ what: "create" })}>
          New key
        </Button>
      }
    >
      {denial !== undefined ? (
        <EmptyState icon="lock" title="Keys are for admins">
          {denial} Ask an admin of this installation for a key, or for the role.
        </EmptyState>
      ) : (
        <QueryView query={query} failed="Keys could not be loaded">
          {(keys) => (
            <Table hasCards label="API keys" columns={columns} rows={keys} rowKey={({ id }) => id} empty={<NoKeys />} />
          )}
        </QueryView>
      )}
      {asked?.what === "create" && <CreateKeyDialog onClose={close} />}
      {asked?.what === "rotate" && <RotateKeyDialog item={asked.item} onClose={close} />}
      {asked?.what === "revoke" && <RevokeDialog item={asked.item} onClose={close} />}
    </Page>
  );
}

function useColumns(onAsk: (asked: Asked) => void): Column<ApiKeyItem>[] {
  return useMemo(
    () => [
      { id: "key", header: "Key", cell: ({ hint }) => <code>…{hint}</code>, width: "120px" },
      {
        id: "scope",
        header: "May",
        cell: ({ scope }) => (
          <Badge tone={scope === "full" ? "info" : "neutral"} icon="key" title={KEY_SCOPES[scope].use}>
            {KEY_SCOPES[scope].label}
          </Badge>
        ),
      },
      { id: "state", header: "State", cell: (item) => <KeyStateBadge item={item} /> },
      {
        id: "created",
        header: "Made",
        hideBelow: 640,
        cell: ({ createdAt }) => <RelativeTime at={createdAt} />,
      },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "190px",
        cell: (item) => (
          <div className={classes.actions}>
            {item.expiresAt === null && (
              <Button
                size="sm"
                icon="refresh"
                aria-label={`Rotate …${item.hint}`}
                onClick={() => onAsk({ what: "rotate", item })}
              >
                Rotate
              </Button>
            )}
            <Button
              size="sm"
              icon="trash"
              aria-label={`Revoke …${item.hint}`}
              onClick={() => onAsk({ what: "revoke", item })}
            >
              Revoke
            </Button>
          </div>
        ),
      },
    ],
    [onAsk],
  );
}

function KeyStateBadge({ item }: { item: ApiKeyItem }) {
  const state = useClock((now) => keyState(item.expiresAt, now));
  if (item.expiresAt === null || state === "active")
    return (
      <Badge tone="success" icon="check-circle">
        Good
      </Badge>
    );
  return (
    <Badge tone={state === "expired" ? "neutral" : "warning"} icon="clock">
      {state === "expired" ? "ended " : "ends "}
      <RelativeTime at={item.expiresAt} />
    </Badge>
  );
}

function RevokeDialog({ item, onClose }: { item: ApiKeyItem; onClose: () => void }) {
  const { perform } = useRevokeKey();
  return (
    <ConfirmDialog
      isOpen
      isDanger
      onClose={onClose}
      title={`Revoke the key …${item.hint}?`}
      confirmLabel="Revoke it now"
      onConfirm={() => perform({ id: item.id, hint: item.hint })}
    >
      Whoever uses it is refused from now on. This cannot be undone. To let it go on for a while, rotate it instead.
    </ConfirmDialog>
  );
}

function NoKeys() {
  return (
    <EmptyState icon="key" title="No keys yet">
      Make one for each thing that talks to this environment, so that each can be revoked alone.
    </EmptyState>
  );
}
