import type { DeploymentItemDetail } from "@gantry/sdk";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { PlaceButton, PlaceLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { Card } from "../../ui/card.tsx";
import { Select } from "../../ui/field.tsx";
import { KeyValueList } from "../../ui/key-value.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { Skeleton } from "../../ui/skeleton.tsx";
import { Table } from "../../ui/table.tsx";
import { AbsoluteTime } from "../../ui/time.tsx";
import { runtimeWords } from "./build-facts.ts";
import { BuildLog } from "./build-log.tsx";
import { isOlder, PromoteDialog } from "./promote-dialog.tsx";
import { TaskChanges } from "./task-changes.tsx";
import { useBuilds, useDeployment, useDeployments } from "./use-deployments.ts";

/** One version: its tasks, what it changed, how it was built; promote or roll back to it. */
export default function DeploymentPage() {
  const { version = "" } = useParams({ strict: false }) as { version?: string };
  const query = useDeployment(version);
  const { data: list } = useDeployments();
  const denial = useDenial("developer");
  const [isPromoting, setPromoting] = useState(false);
  const current = list?.deployments.find(({ isCurrent }) => isCurrent);
  const isCurrent = query.data?.isCurrent === true;
  const isBack = current !== undefined && isOlder(version, current.version);
  return (
    <Page
      title={version}
      heading={
        <>
          {version}
          {isCurrent && <CurrentBadge />}
        </>
      }
      breadcrumbs={[
        <PlaceLink key="deployments" page="deployments" look="quiet">
          Deployments
        </PlaceLink>,
      ]}
      actions={
        <>
          <PlaceButton page="runs" search={{ version }} icon="runs">
            Its runs
          </PlaceButton>
          {query.data && !isCurrent && (
            <Button
              variant="primary"
              icon={isBack ? "replay" : "rocket"}
              disabledReason={denial}
              onClick={() => setPromoting(true)}
            >
              {isBack ? "Roll back to it" : "Promote"}
            </Button>
          )}
        </>
      }
    >
      <QueryView query={query} failed="The version could not be loaded" skeleton={<Skeleton height={300} />}>
        {(deployment) => (
          <Stack>
            <Facts deployment={deployment} />
            <Changes version={version} versions={list?.deployments.map((each) => each.version) ?? []} />
            <Tasks deployment={deployment} />
            <Build version={version} />
          </Stack>
        )}
      </QueryView>
      {isPromoting && <PromoteDialog version={version} current={current} onClose={() => setPromoting(false)} />}
    </Page>
  );
}

export function CurrentBadge() {
  return (
    <Badge tone="success" icon="check-circle">
      in service
    </Badge>
  );
}

function Facts({ deployment }: { deployment: DeploymentItemDetail }) {
  const { createdAt, deployedAt, runtime, runtimeVersion, imageReference, contentHash, queues, id } = deployment;
  return (
    <Card title="Facts">
      <KeyValueList
        items={[
          { key: "Made", value: <AbsoluteTime at={createdAt} /> },
          { key: "Promoted last", value: deployedAt ? <AbsoluteTime at={deployedAt} /> : "never" },
          { key: "Runtime", value: runtimeWords(runtime, runtimeVersion) },
          {
            key: "Image",
            value:
              imageReference === null ? "none: its code lies on the platform's machine" : <code>{imageReference}</code>,
          },
          { key: "Declared queues", value: queues.length > 0 && queues.join(", ") },
          { key: "Content", value: <code>{contentHash}</code> },
          { key: "Id", value: <span className="mono">{id}</span> },
        ]}
      />
    </Card>
  );
}

/** Against the version before it, or another that somebody chooses. */
function Changes({ version, versions }: { version: string; versions: string[] }) {
  const { against } = useSearch({ strict: false }) as { against?: string };
  const navigate = useNavigate();
  const others = versions.filter((each) => each !== version);
  const from = against ?? others.find((each) => isOlder(each, version));
  if (from === undefined) return null;
  return (
    <Card
      isFlush
      title="What it changed"
      actions={
        <Select
          aria-label="Compare with"
          options={[...new Set([from, ...others])].map((each) => ({ value: each, label: `since ${each}` }))}
          value={from}
          onChange={(event) =>
            void navigate({ to: ".", search: { against: event.target.value } as never, replace: true })
          }
        />
      }
    >
      <TaskChanges from={from} to={version} />
    </Card>
  );
}

function Tasks({ deployment }: { deployment: DeploymentItemDetail }) {
  const { tasks } = deployment.worker;
  return (
    <Card title={`${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}`} isFlush>
      <Table
        hasCards
        label="Tasks of the version"
        rows={tasks}
        rowKey={({ id }) => id}
        columns={[
          {
            id: "task",
            header: "Task",
            cell: ({ id }) =>
              deployment.isCurrent ? (
                <PlaceLink page="tasks/$taskId" params={{ taskId: id }}>
                  {id}
                </PlaceLink>
              ) : (
                id
              ),
          },
          { id: "file", header: "File", cell: ({ filePath }) => <code>{filePath}</code> },
          {
            id: "kind",
            header: "Starts",
            hideBelow: 640,
            cell: ({ declaration }) =>
              declaration?.schedule?.cron ?? (declaration?.kind === "SCHEDULED" ? "by schedules" : "when triggered"),
          },
          {
            id: "machine",
            header: "Machine",
            hideBelow: 900,
            cell: ({ declaration }) => declaration?.machine ?? "small-1x",
          },
        ]}
      />
    </Card>
  );
}

function Build({ version }: { version: string }) {
  const { data } = useBuilds(version);
  const build = data?.find(({ isNew }) => isNew !== false) ?? data?.[0];
  return build === undefined ? null : <BuildLog buildId={build.id} />;
}
