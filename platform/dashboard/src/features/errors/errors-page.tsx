import { type Page as ApiPage, type ErrorGroupItem, insightsApi } from "@gantry/sdk";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useDeferredValue } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { Input, Select } from "../../ui/field.tsx";
import { Page, Row, Stack } from "../../ui/page.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { ErrorDetail } from "./error-detail.tsx";
import { PERIODS } from "./error-groups.ts";
import { ErrorList } from "./error-list.tsx";
import classes from "./errors-page.module.css";

interface ErrorsSearch {
  period?: string | undefined;
  search?: string | undefined;
  task?: string | undefined;
  /** Fingerprint of the group that is open. */
  error?: string | undefined;
}

/** Failed runs, grouped by their error: what fails, since when, and a way to run it all again. */
export default function ErrorsPage() {
  const { period = "24h", search = "", task, error: opened } = useSearch({ strict: false }) as ErrorsSearch;
  const navigate = useNavigate();
  const go = (change: ErrorsSearch) =>
    void navigate({
      to: ".",
      search: ((before: object) => ({ ...before, ...change })) as never,
      replace: true,
      resetScroll: false,
    });
  const groups = useErrorGroups({ period, search: useDeferredValue(search), task });
  const rows = groups.data?.pages.flatMap(({ data }) => data);
  // One that is in the address may be beyond the page that is loaded.
  const selected = opened ?? rows?.[0]?.fingerprint;
  return (
    <Page
      title="Errors"
      description="Failed runs, grouped by their error."
      actions={
        <Row>
          <Input
            icon="search"
            type="search"
            placeholder="Name, code or message"
            aria-label="Find an error"
            value={search}
            onChange={(event) => go({ search: event.target.value || undefined })}
          />
          <Select
            className={classes.period}
            aria-label="Period"
            value={period}
            options={PERIODS}
            onChange={(event) => go({ period: event.target.value, error: undefined })}
          />
        </Row>
      }
    >
      {groups.error && (
        <ErrorState error={groups.error} title="Errors could not be loaded" onRetry={() => groups.refetch()} />
      )}
      {groups.isPending && <SkeletonRows rows={6} height={84} />}
      {rows?.length === 0 && (
        <NoErrors
          isFiltered={search !== "" || task !== undefined}
          onClear={() => go({ search: undefined, task: undefined })}
        />
      )}
      {rows !== undefined && rows.length > 0 && (
        <div className={classes.columns}>
          <Stack gap={8}>
            <ErrorList
              groups={rows}
              selected={selected}
              onSelect={(fingerprint) => {
                go({ error: fingerprint });
                showDetail();
              }}
            />
            {groups.hasNextPage && (
              <Button isBusy={groups.isFetchingNextPage} onClick={() => void groups.fetchNextPage()}>
                More
              </Button>
            )}
          </Stack>
          <div id={DETAIL}>
            {selected !== undefined && <ErrorDetail key={selected} fingerprint={selected} period={period} />}
          </div>
        </div>
      )}
    </Page>
  );
}

const DETAIL = "error-detail";

/** Where the list has the whole width, what it opens is below it. */
function showDetail(): void {
  if (!window.matchMedia("(max-width: 899px)").matches) return;
  requestAnimationFrame(() => document.getElementById(DETAIL)?.scrollIntoView({ behavior: "smooth" }));
}

function NoErrors({ isFiltered, onClear }: { isFiltered: boolean; onClear: () => void }) {
  return (
    <EmptyState
      icon="check-circle"
      title={isFiltered ? "No error fits" : "Nothing failed"}
      actions={isFiltered && <Button onClick={onClear}>Clear the filter</Button>}
    >
      {isFiltered ? "Another word or a longer period may find it." : "No run failed in this period."}
    </EmptyState>
  );
}

function useErrorGroups({ period, search, task }: { period: string; search: string; task: string | undefined }) {
  const { api, key } = useEnvironment();
  return useInfiniteQuery({
    queryKey: key("errors", { period, search, task }),
    queryFn: async ({ pageParam }) =>
      pageParam === undefined
        ? insightsApi(api).listErrors({
            limit: 25,
            period,
            search: search === "" ? undefined : search,
            taskIdentifier: task,
          })
        : pageParam.getNextPage(),
    initialPageParam: undefined as ApiPage<ErrorGroupItem> | undefined,
    getNextPageParam: (page: ApiPage<ErrorGroupItem>) => (page.hasNextPage() ? page : undefined),
    placeholderData: (before) => before,
    refetchInterval: 15_000,
  });
}
