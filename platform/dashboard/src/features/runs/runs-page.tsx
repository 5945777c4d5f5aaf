import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { PlaceButton } from "../../layout/place-link.tsx";
import type { SearchParams } from "../../layout/search-params.ts";
import { Button } from "../../ui/button.tsx";
import { EmptyState } from "../../ui/empty-state.tsx";
import { ErrorState } from "../../ui/error-state.tsx";
import { Page } from "../../ui/page.tsx";
import { SkeletonRows } from "../../ui/skeleton.tsx";
import { FilterBar } from "./filter-bar.tsx";
import { FirstRun } from "./first-run.tsx";
import { filtersOf, isFiltered } from "./run-filters.ts";
import { RunsTable } from "./runs-table.tsx";
import { type RunList, useRunWindow } from "./use-run-window.ts";

/** All runs of the environment, newest first, live. */
export default function RunsPage() {
  const search = useSearch({ strict: false }) as SearchParams;
  const text = JSON.stringify(search);
  const filters = useMemo(() => filtersOf(JSON.parse(text) as SearchParams), [text]);
  const navigate = useNavigate();
  const setFilters = useCallback(
    (patch: Record<string, string | string[] | undefined>) =>
      void navigate({ to: ".", search: (before: SearchParams) => ({ ...before, ...patch }) as never, replace: true }),
    [navigate],
  );
  const runs = useRunWindow(filters);
  return (
    <Page
      title="Runs"
      isFull
      actions={
        <PlaceButton page="test" icon="flask">
          Test a task
        </PlaceButton>
      }
    >
      <FilterBar filters={filters} onChange={setFilters} />
      <Content runs={runs} filters={filters} onClear={() => setFilters(NO_FILTERS)} />
    </Page>
  );
}

const NO_FILTERS = Object.fromEntries(Object.keys(filtersOf({})).map((name) => [name, undefined]));

interface ContentProps {
  runs: RunList;
  filters: ReturnType<typeof filtersOf>;
  onClear: () => void;
}

function Content({ runs, filters, onClear }: ContentProps) {
  const { state, list } = runs;
  if (!state.isLoaded && state.error !== undefined)
    return (
      <ErrorState error={state.error} title="The runs could not be loaded" onRetry={() => list.refreshHead()}>
        {isFiltered(filters) && <Button onClick={onClear}>Clear the filters</Button>}
      </ErrorState>
    );
  if (!state.isLoaded) return <SkeletonRows rows={16} />;
  if (state.rows.length > 0) return <RunsTable runs={runs} filters={filters} />;
  if (!isFiltered(filters)) return <FirstRun />;
  return (
    <EmptyState icon="filter" title="No run matches" actions={<Button onClick={onClear}>Clear the filters</Button>}>
      Runs that come and match will appear here by themselves.
    </EmptyState>
  );
}
