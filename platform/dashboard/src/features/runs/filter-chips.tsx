import type { ReactNode } from "react";
import { Button } from "../../ui/button.tsx";
import { formatInstant } from "../../ui/format.ts";
import { Icon } from "../../ui/icon.tsx";
import { RUN_STATUS_LOOK } from "../../ui/run-status-look.ts";
import type { ChangeFilters } from "./filter-bar.tsx";
import classes from "./filters.module.css";
import type { RunFilters } from "./run-filters.ts";
import { PERIODS } from "./time-filter.tsx";

interface ActiveFilter {
  name: keyof RunFilters;
  label: string;
  value: ReactNode;
}

/** What the list is narrowed to, each with a button that takes it away. */
export function FilterChips({ filters, onChange }: { filters: RunFilters; onChange: ChangeFilters }) {
  const active = activeFilters(filters);
  if (active.length === 0) return null;
  const none = Object.fromEntries(active.map(({ name }) => [name, undefined]));
  return (
    <ul className={classes.chips} aria-label="Filters in force">
      {active.map(({ name, label, value }) => (
        <li key={name} className={classes.chip}>
          <span className={classes.chipName}>{label}</span>
          <span className="truncate">{value}</span>
          <button
            type="button"
            aria-label={`Remove the filter ${label}`}
            onClick={() => onChange({ [name]: undefined })}
          >
            <Icon name="x" size={12} />
          </button>
        </li>
      ))}
      <li>
        <Button size="sm" variant="ghost" onClick={() => onChange(none)}>
          Clear all
        </Button>
      </li>
    </ul>
  );
}

function activeFilters(filters: RunFilters): ActiveFilter[] {
  const { status, task, tag, version, queue, batch, schedule, parent, error, bulk, period, from, to } = filters;
  const lists: [keyof RunFilters, string, readonly string[]][] = [
    ["status", "Status", status.map((each) => RUN_STATUS_LOOK[each].text)],
    ["task", "Task", task],
    ["tag", "Tag", tag],
    ["version", "Version", version],
    ["queue", "Queue", queue],
  ];
  const texts: [keyof RunFilters, string, string | undefined][] = [
    ["batch", "Batch", batch],
    ["schedule", "Schedule", schedule],
    ["parent", "Children of", parent],
    ["error", "Error", error],
    ["bulk", "Bulk action", bulk],
    ["period", "Made in", period && (PERIODS[period]?.toLowerCase() ?? period)],
    ["from", "From", from && formatInstant(Date.parse(from))],
    ["to", "To", to && formatInstant(Date.parse(to))],
  ];
  return [
    ...lists.flatMap(([name, label, values]) =>
      values.length === 0 ? [] : [{ name, label, value: values.join(", ") }],
    ),
    ...texts.flatMap(([name, label, value]) => (value === undefined || value === "" ? [] : [{ name, label, value }])),
  ];
}
