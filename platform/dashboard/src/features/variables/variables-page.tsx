import type { EnvironmentVariable } from "@gantry/sdk";
import { REDACTED } from "@gantry/sdk/contract";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button, IconButton } from "../../ui/button.tsx";
import { CopyButton } from "../../ui/copy-button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Input } from "../../ui/field.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { ImportDialog } from "./import-dialog.tsx";
import { useDeleteVariable, useVariables } from "./use-variables.ts";
import { VariableDialog } from "./variable-dialog.tsx";
import classes from "./variables.module.css";

type Asked = { what: "new" | "import" } | { what: "edit" | "delete"; variable: EnvironmentVariable };

/** What tasks find in process.env. Secrets are never shown. */
export default function VariablesPage() {
  const { environment } = useEnvironment();
  const denial = useDenial("developer");
  const query = useVariables();
  const [asked, setAsked] = useState<Asked>();
  const close = () => setAsked(undefined);
  return (
    <Page
      title="Environment variables"
      description={`Tasks in ${environment} read them as process.env.NAME. A worker has what was set when it started: on a cluster each new execution, in gantry dev each new version.`}
      actions={
        <>
          <Button icon="upload" disabledReason={denial} onClick={() => setAsked({ what: "import" })}>
            Import .env
          </Button>
          <Button variant="primary" icon="plus" disabledReason={denial} onClick={() => setAsked({ what: "new" })}>
            New variable
          </Button>
        </>
      }
    >
      <QueryView query={query} failed="Variables could not be loaded">
        {(variables) => <VariableList variables={variables} denial={denial} onAsk={setAsked} />}
      </QueryView>
      {asked?.what === "new" && <VariableDialog onClose={close} />}
      {asked?.what === "edit" && <VariableDialog variable={asked.variable} onClose={close} />}
      {asked?.what === "import" && <ImportDialog known={query.data ?? []} onClose={close} />}
      {asked?.what === "delete" && <DeleteDialog name={asked.variable.name} onClose={close} />}
    </Page>
  );
}

interface VariableListProps {
  variables: readonly EnvironmentVariable[];
  denial: string | undefined;
  onAsk: (asked: Asked) => void;
}

function VariableList({ variables, denial, onAsk }: VariableListProps) {
  const { search = "" } = useSearch({ strict: false }) as { search?: string };
  const navigate = useNavigate();
  const columns = useColumns(denial, onAsk);
  const shown = variables.filter(({ name }) => name.toLowerCase().includes(search.toLowerCase()));
  if (variables.length === 0) return <NoVariables />;
  return (
    <Stack gap={12}>
      <div className={classes.search}>
        <Input
          icon="search"
          type="search"
          aria-label="Search variables"
          placeholder="Search by name"
          value={search}
          onChange={(event) =>
            void navigate({ to: ".", search: { search: event.target.value } as never, replace: true })
          }
        />
      </div>
      <Table
        hasCards
        label="Environment variables"
        columns={columns}
        rows={shown}
        rowKey={({ name }) => name}
        empty={<EmptyState icon="search" title="No variable of this name" />}
      />
    </Stack>
  );
}

function useColumns(denial: string | undefined, onAsk: (asked: Asked) => void): Column<EnvironmentVariable>[] {
  return useMemo(
    () => [
      { id: "name", header: "Name", cell: ({ name }) => <code>{name}</code> },
      { id: "value", header: "Value", cell: (variable) => <ValueCell variable={variable} /> },
      {
        id: "updated",
        header: "Changed",
        hideBelow: 640,
        width: "120px",
        cell: ({ updatedAt }) => <RelativeTime at={updatedAt} />,
      },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "120px",
        cell: (variable) => (
          <div className={classes.actions}>
            <IconButton
              size="sm"
              icon="edit"
              label={`Change ${variable.name}`}
              disabledReason={denial}
              onClick={() => onAsk({ what: "edit", variable })}
            />
            <IconButton
              size="sm"
              icon="trash"
              label={`Remove ${variable.name}`}
              disabledReason={denial}
              onClick={() => onAsk({ what: "delete", variable })}
            />
          </div>
        ),
      },
    ],
    [denial, onAsk],
  );
}

function ValueCell({ variable: { name, value, isSecret } }: { variable: EnvironmentVariable }) {
  if (isSecret)
    return (
      <Badge icon="lock" title="Never shown again; workers get it.">
        Secret
      </Badge>
    );
  if (value === REDACTED)
    return (
      <Badge icon="lock" title="Shown to those who may change variables.">
        Not shown to your role
      </Badge>
    );
  return (
    <span className={classes.shown}>
      <code className={`truncate ${classes.value}`} title={value}>
        {value === "" ? <span className="muted">empty</span> : value}
      </code>
      <CopyButton text={value} label={`Copy the value of ${name}`} />
    </span>
  );
}

function DeleteDialog({ name, onClose }: { name: string; onClose: () => void }) {
  const { perform } = useDeleteVariable();
  return (
    <ConfirmDialog
      isOpen
      isDanger
      onClose={onClose}
      title={`Remove ${name}?`}
      confirmLabel="Remove it"
      onConfirm={() => perform(name)}
    >
      Workers that start from now on do not have it; those that run keep it. Its value cannot be brought back.
    </ConfirmDialog>
  );
}

function NoVariables() {
  return (
    <EmptyState icon="variable" title="No variables yet" command="npx gantry env set DATABASE_URL">
      Set one here, paste a whole .env file, or use the CLI. In <code>gantry dev</code> your project&apos;s own .env is
      read as well.
    </EmptyState>
  );
}
