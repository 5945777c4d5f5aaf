import { useEffect, useState } from "react";
import { Input, Select } from "../../ui/field.tsx";
import classes from "./audit.module.css";
import { ACTIONS, type AuditFilters, OUTCOMES, PERIODS } from "./audit-filters.ts";

interface AuditFilterBarProps {
  filters: AuditFilters;
  onChange: (change: Record<keyof AuditFilters & string, string> | Record<string, string>) => void;
}

export function AuditFilterBar({ filters, onChange }: AuditFilterBarProps) {
  return (
    <search className={classes.filters}>
      <TextFilter label="Who" value={filters.actor ?? ""} onChange={(actor) => onChange({ actor })} />
      <Select
        aria-label="Action"
        options={ACTIONS}
        value={filters.action ?? ""}
        onChange={(event) => onChange({ action: event.target.value })}
      />
      <TextFilter label="What it was about" value={filters.target ?? ""} onChange={(target) => onChange({ target })} />
      <Select
        aria-label="Outcome"
        options={OUTCOMES}
        value={filters.outcome ?? ""}
        onChange={(event) => onChange({ outcome: event.target.value })}
      />
      <Select
        aria-label="Period"
        options={PERIODS}
        value={String(filters.hours ?? "")}
        onChange={(event) => onChange({ hours: event.target.value })}
      />
    </search>
  );
}

const PAUSE_MS = 300;

/** Asked for once one stops typing. */
function TextFilter({ label, value, onChange }: { label: string; value: string; onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(value);
  useEffect(() => setTyped(value), [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => onChange(typed.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed, value, onChange]);
  return (
    <Input
      icon="search"
      type="search"
      aria-label={label}
      placeholder={label}
      value={typed}
      onChange={(event) => setTyped(event.target.value)}
    />
  );
}
