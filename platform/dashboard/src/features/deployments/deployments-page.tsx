import type { DeploymentItem } from "@gantry/sdk";
import { useSearch } from "@tanstack/react-router";
import { useMemo, useState } from "react";
import { AgePager } from "../../layout/pager.tsx";
import { PlaceLink } from "../../layout/place-link.tsx";
import { QueryView } from "../../queries/query-view.tsx";
import { useDenial } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { Page, Stack } from "../../ui/page.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import { runtimeWords } from "./build-facts.ts";
import { CurrentBadge } from "./deployment-page.tsx";
import classes from "./deployments.module.css";
import { LatestBuilds } from "./latest-builds.tsx";
import { isOlder, PromoteDialog } from "./promote-dialog.tsx";
import { useDeployments } from "./use-deployments.ts";

/** Versions: which serves, promote and roll back; builds as they go. */
export default function DeploymentsPage() {
  const { after } = useSearch({ strict: false }) as { after?: string };
  const query = useDeployments(after);
  const first = useDeployments();
  const [promoting, setPromoting] = useState<string>();
  const current = first.data?.deployments.find(({ isCurrent }) => isCurrent);
  const columns = useColumns(current?.version, setPromoting);
  return (
    <Page
      title="Deployments"
      description="Each deploy is a version: all tasks of a project in one image. New runs start on the one in service."
    >
      <Stack>
        <LatestBuilds />
        <QueryView query={query} failed="Deployments could not be loaded">
          {({ deployments, hasNext }) => (
            <Stack gap={12}>
              <Table
                hasCards
                label="Versions"
                columns={columns}
                rows={deployments}
                rowKey={({ id }) => id}
                isActive={({ isCurrent }) => isCurrent}
                empty={<NoDeployments />}
              />
              <AgePager
                label="Newest"
                newer={after === undefined ? undefined : {}}
                older={hasNext && deployments.length > 0 ? { after: deployments.at(-1)?.id } : undefined}
              />
            </Stack>
          )}
        </QueryView>
      </Stack>
      {promoting !== undefined && (
        <PromoteDialog version={promoting} current={current} onClose={() => setPromoting(undefined)} />
      )}
    </Page>
  );
}

function useColumns(current: string | undefined, onPromote: (version: string) => void): Column<DeploymentItem>[] {
  const denial = useDenial("developer");
  return useMemo(
    () => [
      {
        id: "version",
        header: "Version",
        cell: ({ version, isCurrent }) => (
          <span className={classes.version}>
            <PlaceLink page="deployments/$version" params={{ version }}>
              {version}
            </PlaceLink>
            {isCurrent && <CurrentBadge />}
          </span>
        ),
      },
      {
        id: "runtime",
        header: "Runtime",
        hideBelow: 640,
        cell: ({ runtime, runtimeVersion }) => runtimeWords(runtime, runtimeVersion),
      },
      { id: "made", header: "Made", width: "120px", cell: ({ createdAt }) => <RelativeTime at={createdAt} /> },
      {
        id: "promoted",
        header: "Promoted last",
        hideBelow: 640,
        width: "140px",
        cell: ({ deployedAt }) =>
          deployedAt === undefined ? <span className="muted">never</span> : <RelativeTime at={deployedAt} />,
      },
      {
        id: "actions",
        header: <span className="visually-hidden">Actions</span>,
        align: "end",
        width: "150px",
        cell: ({ version, isCurrent }) => {
          if (isCurrent) return null;
          const isBack = current !== undefined && isOlder(version, current);
          return (
            <div className={classes.actions}>
              <Button
                size="sm"
                icon={isBack ? "replay" : "rocket"}
                aria-label={`${isBack ? "Roll back to" : "Promote"} ${version}`}
                disabledReason={denial}
                onClick={() => onPromote(version)}
              >
                {isBack ? "Roll back" : "Promote"}
              </Button>
            </div>
          );
        },
      },
    ],
    [current, denial, onPromote],
  );
}

function NoDeployments() {
  return (
    <EmptyState icon="rocket" title="Nothing is deployed yet" command="npx gantry deploy">
      A deploy bundles your project and makes a version of it here, without Docker on your machine. On a laptop,{" "}
      <code>gantry dev</code> registers one with each change.
    </EmptyState>
  );
}
