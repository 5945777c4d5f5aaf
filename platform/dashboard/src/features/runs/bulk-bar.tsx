import type { BulkAction, CreateBulkActionBody } from "@gantry/sdk/contract";
import { useState } from "react";
import { useDenial, useEnvironment } from "../../session/session-provider.tsx";
import { Button } from "../../ui/button.tsx";
import { ConfirmDialog } from "../../ui/dialog.tsx";
import { formatNumber } from "../../ui/format.ts";
import classes from "./bulk.module.css";
import { BulkProgress } from "./bulk-progress.tsx";
import { bulkFilter, isFiltered, type RunFilters } from "./run-filters.ts";
import type { Selection } from "./use-selection.ts";

interface BulkBarProps {
  selection: Selection;
  filters: RunFilters;
  /** Runs have changed: look again. */
  onDone: () => void;
}

const ACTIONS = {
  cancel: {
    verb: "Cancel",
    icon: "cancel",
    does: "Runs that have not ended are canceled, with their children. Those that have ended stay as they are.",
  },
  replay: {
    verb: "Replay",
    icon: "replay",
    does: "Each is run once more as a new run, with the payload it had, on the current version.",
  },
} as const;
type ActionName = keyof typeof ACTIONS;

/** What can be done to the runs that are selected, and how far that has come. */
export function BulkBar({ selection, filters, onDone }: BulkBarProps) {
  const { api } = useEnvironment();
  const denial = useDenial("developer");
  const [asked, setAsked] = useState<ActionName>();
  const [started, setStarted] = useState<string>();
  const { count, isAll } = selection;
  const what = chosenWords(selection, filters);
  const start = async (action: ActionName) => {
    const chosen = isAll ? { filter: bulkFilter(filters) } : { runIds: [...selection.ids] };
    const json: CreateBulkActionBody = { action, ...chosen };
    const request = { method: "POST", path: "/api/v1/bulk-actions", json, repeatable: "undelivered" } as const;
    const { data } = await api.request<Pick<BulkAction, "id">>(request);
    setStarted(data.id);
    selection.clear();
  };
  return (
    <>
      {started !== undefined && <BulkProgress id={started} onChange={onDone} onClose={() => setStarted(undefined)} />}
      {(isAll || selection.ids.size > 0) && (
        <div className={classes.bar} role="toolbar" aria-label="Selected runs">
          <span aria-live="polite">
            <strong>{isAll ? "All" : formatNumber(count ?? 0)}</strong> selected
          </span>
          {!isAll && selection.isEveryRow && (
            <Button size="sm" variant="ghost" onClick={selection.chooseAll}>
              {isFiltered(filters) ? "Select all that match" : "Select all runs"}
            </Button>
          )}
          <span className={classes.space} />
          {(Object.keys(ACTIONS) as ActionName[]).map((name) => (
            <Button
              key={name}
              size="sm"
              icon={ACTIONS[name].icon}
              disabledReason={denial}
              onClick={() => setAsked(name)}
            >
              {ACTIONS[name].verb}
            </Button>
          ))}
          <Button size="sm" variant="ghost" onClick={selection.clear}>
            Select none
          </Button>
        </div>
      )}
      {asked !== undefined && (
        <ConfirmDialog
          isOpen
          onClose={() => setAsked(undefined)}
          title={`${ACTIONS[asked].verb} ${what}?`}
          confirmLabel={`${ACTIONS[asked].verb} ${isAll ? "all" : what}`}
          isDanger={asked === "cancel"}
          onConfirm={() => start(asked)}
        >
          {ACTIONS[asked].does}
          {isAll && " At most 10,000 runs at a time, the newest first."}
        </ConfirmDialog>
      )}
    </>
  );
}

function chosenWords({ isAll, count = 0 }: Selection, filters: RunFilters): string {
  if (!isAll) return `${formatNumber(count)} ${count === 1 ? "run" : "runs"}`;
  return isFiltered(filters) ? "all runs that match the filters" : "all runs";
}
