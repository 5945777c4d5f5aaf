import { type ReactNode, useState } from "react";
import { Button } from "../../ui/button.tsx";
import { Checkbox, Input } from "../../ui/field.tsx";
import classes from "./filters.module.css";

interface Option<T extends string> {
  value: T;
  label: string;
  icon?: ReactNode;
  hint?: string;
}

interface CheckListProps<T extends string> {
  label: string;
  options: readonly Option<T>[];
  chosen: readonly T[];
  onChange: (chosen: T[]) => void;
  /** A field that narrows the options. */
  isSearchable?: boolean;
  /** What is typed may be chosen though it is no option. */
  canAdd?: boolean;
  empty?: string;
}

const SHOWN = 100;

/** Any number of options, with a tick each. */
export function CheckList<T extends string>(props: CheckListProps<T>) {
  const { label, options, chosen, onChange, isSearchable = false, canAdd = false, empty } = props;
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const found = options.filter((option) => option.label.toLowerCase().includes(wanted));
  const toggle = (value: T) =>
    onChange(chosen.includes(value) ? chosen.filter((each) => each !== value) : [...chosen, value]);
  const isNew = canAdd && wanted !== "" && !options.some(({ value }) => value === text.trim());
  return (
    <div className={classes.panel}>
      {isSearchable && (
        <Input
          icon="search"
          aria-label={`Find ${label.toLowerCase()}`}
          value={text}
          onChange={({ target }) => setText(target.value)}
        />
      )}
      <ul aria-label={label} className={classes.list}>
        {found.slice(0, SHOWN).map(({ value, label: text, icon, hint }) => (
          <li key={value} title={hint}>
            <Checkbox
              className={classes.option}
              checked={chosen.includes(value)}
              onChange={() => toggle(value)}
              label={
                <span className={classes.optionLabel}>
                  {icon}
                  <span className="truncate">{text}</span>
                </span>
              }
            />
          </li>
        ))}
        {found.length === 0 && !isNew && <li className={classes.none}>{empty ?? "Nothing fits."}</li>}
      </ul>
      {isNew && (
        <Button size="sm" icon="plus" onClick={() => toggle(text.trim() as T)}>
          Add “{text.trim()}”
        </Button>
      )}
      {chosen.length > 0 && (
        <Button size="sm" variant="ghost" onClick={() => onChange([])}>
          Clear
        </Button>
      )}
    </div>
  );
}
