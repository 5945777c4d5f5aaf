import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { Popover } from "../../ui/popover.tsx";
import type { ChangeFilters } from "./filter-bar.tsx";
import classes from "./filters.module.css";
import type { RunFilters } from "./run-filters.ts";

export const PERIODS: Record<string, string> = {
  "15m": "Last 15 minutes",
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
};

/** When runs were made: a stretch up to now, or from and to. */
export function TimeFilter({ filters, onChange }: { filters: RunFilters; onChange: ChangeFilters }) {
  return (
    <Popover
      label="Time of making"
      trigger={(props) => (
        <Button icon="clock" {...props}>
          Time
        </Button>
      )}
    >
      {(close) => (
        <div className={classes.panel}>
          <div className={classes.periods}>
            {Object.entries(PERIODS).map(([period, label]) => (
              <Button
                key={period}
                size="sm"
                variant={filters.period === period ? "primary" : "ghost"}
                aria-pressed={filters.period === period}
                onClick={() => {
                  onChange({ period: filters.period === period ? undefined : period, from: undefined, to: undefined });
                  close();
                }}
              >
                {label}
              </Button>
            ))}
          </div>
          <Range filters={filters} onChange={onChange} onDone={close} />
        </div>
      )}
    </Popover>
  );
}

interface RangeProps {
  filters: RunFilters;
  onChange: ChangeFilters;
  onDone: () => void;
}

function Range({ filters, onChange, onDone }: RangeProps) {
  const [from, setFrom] = useState(localOf(filters.from));
  const [to, setTo] = useState(localOf(filters.to));
  const apply = () => {
    onChange({ period: undefined, from: isoOf(from), to: isoOf(to) });
    onDone();
  };
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        apply();
      }}
    >
      <Field label="From">
        <Input type="datetime-local" value={from} onChange={({ target }) => setFrom(target.value)} />
      </Field>
      <Field label="To">
        <Input type="datetime-local" value={to} onChange={({ target }) => setTo(target.value)} />
      </Field>
      <Button size="sm" type="submit">
        Apply
      </Button>
    </form>
  );
}

/** The form's own notation is local time without a zone. */
function localOf(iso: string | undefined): string {
  if (iso === undefined) return "";
  const at = new Date(iso);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function isoOf(local: string): string | undefined {
  const at = new Date(local);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
