import { useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Field, Input } from "../../ui/field.tsx";
import { Popover } from "../../ui/popover.tsx";
import type { ChangeFilters } from "./filter-bar.tsx";
import classes from "./filters.module.css";
import type { RunFilters } from "./run-filters.ts";

const FIELDS = [
  { name: "tag", label: "Tags", hint: "Any of them; commas between" },
  { name: "version", label: "Versions", hint: "20261122.1" },
  { name: "queue", label: "Queues", hint: "A name, or task/<id> for a task's own" },
  { name: "batch", label: "Batch", hint: "batch_…" },
  { name: "schedule", label: "Schedule", hint: "sched_…" },
] as const;

/** Filters that are needed seldom, as fields. */
export function MoreFilters({ filters, onChange }: { filters: RunFilters; onChange: ChangeFilters }) {
  return (
    <Popover
      label="More filters"
      trigger={(props) => (
        <Button icon="filter" {...props}>
          More
        </Button>
      )}
    >
      {(close) => <Fields filters={filters} onChange={onChange} onDone={close} />}
    </Popover>
  );
}

function Fields({ filters, onChange, onDone }: { filters: RunFilters; onChange: ChangeFilters; onDone: () => void }) {
  const [texts, setTexts] = useState(() =>
    Object.fromEntries(FIELDS.map(({ name }) => [name, [filters[name] ?? []].flat().join(", ")])),
  );
  return (
    <form
      className={classes.form}
      onSubmit={(event) => {
        event.preventDefault();
        onChange(Object.fromEntries(FIELDS.map(({ name }) => [name, cleaned(texts[name] ?? "")])));
        onDone();
      }}
    >
      {FIELDS.map(({ name, label, hint }) => (
        <Field key={name} label={label}>
          <Input
            placeholder={hint}
            value={texts[name] ?? ""}
            onChange={({ target }) => setTexts((before) => ({ ...before, [name]: target.value }))}
          />
        </Field>
      ))}
      <Button size="sm" variant="primary" type="submit">
        Apply
      </Button>
    </form>
  );
}

function cleaned(text: string): string | undefined {
  const parts = text.split(",").map((part) => part.trim());
  return parts.filter((part) => part !== "").join(",") || undefined;
}
