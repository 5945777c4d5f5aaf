import { type AuditItem, auditApi } from "@gantry/sdk";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { SearchParams } from "../../layout/search-params.ts";
import { POLL } from "../../queries/polling.ts";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Badge } from "../../ui/badge.tsx";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { Page } from "../../ui/page.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { type Column, Table } from "../../ui/table.tsx";
import { RelativeTime } from "../../ui/time.tsx";
import classes from "./audit.module.css";
import { AuditFilterBar } from "./audit-filter-bar.tsx";
import { auditParams, filtersOf } from "./audit-filters.ts";

/** Who did what: every change by a person, a personal token or an admin's key. */
export default function AuditPage() {
  const denial = useDenial("admin");
  return (
    <Page title="Audit log" description="Every change that people and their tokens made or were refused, newest first.">
      {denial === undefined ? (
        <AuditList />
      ) : (
        <EmptyState icon="lock" title="The audit log is for admins">
          {denial}
        </EmptyState>
      )}
    </Page>
  );
}

function AuditList() {
  const search = useSearch({ strict: false }) as SearchParams;
  const navigate = useNavigate();
  const filters = useMemo(() => filtersOf(search), [search]);
  const change = useCallback(
    (part: Record<string, string>) => {
      const next = { ...filters, ...part };
      const kept = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== ""));
      void navigate({ to: ".", search: kept as never, replace: true });
    },
    [filters, navigate],
  );
  const { api } = useEnvironment();
  const query = useInfiniteQuery({
    queryKey: ["audit", filters],
    queryFn: ({ pageParam }) => auditApi(api).list(auditParams(filters, Date.now(), pageParam)),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next,
    refetchInterval: POLL.slow,
    placeholderData: (before) => before,
  });
  const entries = useMemo(() => query.data?.pages.flatMap((page) => page.entries), [query.data]);
  return (
    <>
      <AuditFilterBar filters={filters} onChange={change} />
      {entries === undefined && query.isError && (
        <ErrorState error={query.error} title="The audit log could not be loaded" onRetry={query.refetch} />
      )}
      {entries === undefined && !query.isError && <SkeletonRows rows={10} height={44} />}
      {entries !== undefined && (
        <Table
          label="Audit log"
          columns={COLUMNS}
          rows={entries}
          rowKey={({ id }) => id}
          empty={
            <EmptyState icon="audit" title="No entries">
              {Object.keys(filters).length === 0
                ? "What people change from now on is listed here."
                : "No entry fits these filters."}
            </EmptyState>
          }
        />
      )}
      {query.hasNextPage && (
        <div className={classes.more}>
          <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            Show older entries
          </Button>
        </div>
      )}
    </>
  );
}

const ACTORS: Record<AuditItem["actor"]["kind"], string> = {
  user: "signed in",
  access: "by an access token",
  key: "by a key",
  local: "at this machine",
  operator: "on the command line",
  anonymous: "not signed in",
};

const COLUMNS: Column<AuditItem>[] = [
  { id: "at", header: "When", width: "110px", cell: ({ at }) => <RelativeTime at={at} /> },
  {
    id: "actor",
    header: "Who",
    cell: ({ actor }) => (
      <span className={classes.actor}>
        <span className="truncate">{actor.name ?? actor.id ?? "Somebody"}</span>
        <span className="muted">{ACTORS[actor.kind]}</span>
      </span>
    ),
  },
  { id: "action", header: "Action", cell: ({ action }) => <code>{action}</code> },
  {
    id: "target",
    header: "About",
    hideBelow: 640,
    cell: ({ target, environment }) => (
      <span className={classes.actor}>
        <span className={`truncate mono ${classes.target}`} title={target ?? undefined}>
          {target ?? "—"}
        </span>
        {environment !== null && (
          <span className="muted">
            {environment.project}/{environment.environment}
          </span>
        )}
      </span>
    ),
  },
  {
    id: "outcome",
    header: "Outcome",
    cell: ({ outcome }) =>
      outcome === "ok" ? (
        <Badge tone="success" icon="check">
          done
        </Badge>
      ) : (
        <Badge tone="danger" icon="x-circle">
          {outcome}
        </Badge>
      ),
  },
  {
    id: "from",
    header: "From",
    hideBelow: 900,
    cell: ({ address, requestId }) => (
      <span className={`${classes.actor} mono`}>
        <span>{address ?? "—"}</span>
        <span className="muted" title="The request's id, as in the platform's log">
          {requestId}
        </span>
      </span>
    ),
  },
];
