import type { RunListItem } from "@gantry/sdk";
import { useNavigate } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { ErrorText } from "../../ui/error-state.tsx";
import { formatNumber } from "../../ui/format.ts";
import { VirtualTable, type VirtualTableHandle } from "../../ui/virtual-table.tsx";
import { BulkBar } from "./bulk-bar.tsx";
import { RunCard } from "./run-card.tsx";
import { runColumns } from "./run-columns.tsx";
import type { RunFilters } from "./run-filters.ts";
import classes from "./runs-table.module.css";
import { ShortcutsDialog } from "./shortcuts-dialog.tsx";
import { useRowKeys } from "./use-row-keys.ts";
import type { RunList } from "./use-run-window.ts";
import { useSelection } from "./use-selection.ts";

/** The rows, what is done to those that are selected, and the keys that move among them. */
export function RunsTable({ runs, filters }: { runs: RunList; filters: RunFilters }) {
  const { list, state, onRange } = runs;
  const { rows, waiting } = state;
  const { project, environment } = useEnvironment();
  const navigate = useNavigate();
  const table = useRef<VirtualTableHandle>(null);
  const selection = useSelection(rows, filters);
  const [activeId, setActiveId] = useState<string>();
  const [isHelpOpen, setHelpOpen] = useState(false);
  const activeIndex = activeId === undefined ? -1 : rows.findIndex(({ id }) => id === activeId);

  const open = useCallback(
    (run: RunListItem) =>
      void navigate({
        to: "/projects/$project/$environment/runs/$runId",
        params: { project, environment, runId: run.id },
      }),
    [navigate, project, environment],
  );
  useRowKeys({ rows, activeIndex, setActiveId, open, selection, table, onHelp: () => setHelpOpen(true) });
  useEffect(() => {
    const element = table.current?.element;
    return () => {
      list.scrollTop = element?.scrollTop ?? 0;
      list.setTopInSight(true);
    };
  }, [list]);

  const columns = useMemo(() => runColumns(selection), [selection]);
  const loadMore = useCallback(() => void list.loadMore(), [list]);
  const onScrolled = useCallback((isScrolled: boolean) => list.setTopInSight(!isScrolled), [list]);
  return (
    <div className={classes.box}>
      {state.error !== undefined && <ErrorText error={state.error} />}
      <BulkBar selection={selection} filters={filters} onDone={runs.refresh} />
      <NewRuns
        count={waiting.length}
        onShow={() => {
          list.showWaiting();
          table.current?.scrollToTop();
        }}
      />
      <VirtualTable
        ref={table}
        label="Runs"
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        compact={(run) => <RunCard run={run} selection={selection} />}
        compactHeight={68}
        total={state.hasMore ? -1 : rows.length}
        activeIndex={activeIndex}
        isSelected={({ id }) => selection.has(id)}
        onOpen={open}
        onEndReached={loadMore}
        onScrolled={onScrolled}
        onRange={onRange}
        initialScroll={list.scrollTop}
        footer={
          state.isLoadingMore ? "Loading more…" : state.hasMore ? "" : `${formatNumber(rows.length)} runs, that is all`
        }
      />
      <ShortcutsDialog isOpen={isHelpOpen} onClose={() => setHelpOpen(false)} />
    </div>
  );
}

/** Runs that came while somebody reads further down. */
function NewRuns({ count, onShow }: { count: number; onShow: () => void }) {
  if (count === 0) return null;
  return (
    <div className={classes.pill} role="status">
      <Button size="sm" variant="primary" icon="arrow-up" onClick={onShow}>
        {formatNumber(count)} new {count === 1 ? "run" : "runs"}
      </Button>
    </div>
  );
}
