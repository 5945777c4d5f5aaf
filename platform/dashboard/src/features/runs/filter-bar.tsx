import { RUN_STATUSES } from "@gantry/sdk/contract";
import { useEffect, useRef, useState } from "react";
import { useTaskIds } from "../../queries/use-task-ids.ts";
import { Button } from "../../ui/button.tsx";
import { Input } from "../../ui/field.tsx";
import { Popover } from "../../ui/popover.tsx";
import { RUN_STATUS_LOOK } from "../../ui/run-status-look.ts";
import { StatusIcon } from "../../ui/status-badge.tsx";
import { CheckList } from "./check-list.tsx";
import { FilterChips } from "./filter-chips.tsx";
import classes from "./filters.module.css";
import { MoreFilters } from "./more-filters.tsx";
import type { RunFilters } from "./run-filters.ts";
import { TimeFilter } from "./time-filter.tsx";

export type ChangeFilters = (patch: Partial<Record<keyof RunFilters, string | string[] | undefined>>) => void;

interface FilterBarProps {
  filters: RunFilters;
  onChange: ChangeFilters;
}

/** What the list shows: everything in it is in the address too. */
export function FilterBar({ filters, onChange }: FilterBarProps) {
  return (
    <search className={classes.bar} aria-label="Filter runs">
      <div className={classes.controls}>
        <SearchBox value={filters.search ?? ""} onChange={(search) => onChange({ search })} />
        <StatusFilter filters={filters} onChange={onChange} />
        <TaskFilter filters={filters} onChange={onChange} />
        <TimeFilter filters={filters} onChange={onChange} />
        <MoreFilters filters={filters} onChange={onChange} />
      </div>
      <FilterChips filters={filters} onChange={onChange} />
    </search>
  );
}

/** While somebody types the address is left alone: it changes when they rest. */
const REST_MS = 300;

function SearchBox({ value, onChange }: { value: string; onChange: (value: string | undefined) => void }) {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => setText(value), [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const say = (next: string) => onChange(next.trim() === "" ? undefined : next.trim());
  return (
    <div className={classes.search}>
      <Input
        id="runs-search"
        type="search"
        icon="search"
        aria-label="Search runs"
        aria-keyshortcuts="/"
        placeholder="Run id, tag, idempotency key or task"
        maxLength={256}
        value={text}
        onChange={({ target }) => {
          setText(target.value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => say(target.value), REST_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === "Escape") event.currentTarget.blur();
          if (event.key !== "Enter") return;
          clearTimeout(timer.current);
          say(text);
        }}
      />
    </div>
  );
}

function StatusFilter({ filters, onChange }: FilterBarProps) {
  return (
    <Popover
      label="Statuses"
      trigger={(props) => (
        <Button icon="circle" {...props}>
          Status <Count of={filters.status.length} />
        </Button>
      )}
    >
      {() => (
        <CheckList
          label="Statuses"
          options={RUN_STATUSES.map((status) => ({
            value: status,
            label: RUN_STATUS_LOOK[status].text,
            icon: (
              <span aria-hidden>
                <StatusIcon status={status} />
              </span>
            ),
            hint: RUN_STATUS_LOOK[status].meaning,
          }))}
          chosen={filters.status}
          onChange={(status) => onChange({ status })}
        />
      )}
    </Popover>
  );
}

function TaskFilter({ filters, onChange }: FilterBarProps) {
  return (
    <Popover
      label="Tasks"
      trigger={(props) => (
        <Button icon="tasks" {...props}>
          Task <Count of={filters.task.length} />
        </Button>
      )}
    >
      {() => <TaskList filters={filters} onChange={onChange} />}
    </Popover>
  );
}

function TaskList({ filters, onChange }: FilterBarProps) {
  const { ids, isLoading } = useTaskIds();
  const all = [...new Set([...filters.task, ...ids])];
  return (
    <CheckList
      label="Tasks"
      isSearchable
      options={all.map((id) => ({ value: id, label: id }))}
      chosen={filters.task}
      onChange={(task) => onChange({ task })}
      empty={isLoading ? "Loading…" : "No task is deployed here yet."}
      canAdd
    />
  );
}

/** How many are chosen. */
function Count({ of }: { of: number }) {
  return of === 0 ? null : <span className={classes.count}>{of}</span>;
}
