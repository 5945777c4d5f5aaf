import { type KeyboardEvent, type ReactNode, useId, useRef } from "react";
import classes from "./tabs.module.css";

export interface Tab {
  id: string;
  label: ReactNode;
  /** A number beside the label. */
  count?: number | undefined;
}

interface TabsProps {
  label: string;
  tabs: readonly Tab[];
  /** Id of the tab that is open; keep it in the URL. */
  selected: string;
  onSelect: (id: string) => void;
  /** The open tab's content. */
  children: ReactNode;
}

/** Tabs with a panel; arrow keys, Home and End move between them. */
export function Tabs({ label, tabs, selected, onSelect, children }: TabsProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const at = tabs.findIndex((tab) => tab.id === selected);
    const next = nextIndex(event.key, at, tabs.length);
    if (next === undefined) return;
    event.preventDefault();
    onSelect(tabs[next]?.id ?? selected);
    list.current?.querySelectorAll("button")[next]?.focus();
  };
  return (
    <div className={classes.tabs}>
      <div ref={list} role="tablist" aria-label={label} className={classes.list} onKeyDown={onKeyDown} tabIndex={-1}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${id}-${tab.id}`}
            aria-selected={tab.id === selected}
            aria-controls={`${id}-panel`}
            tabIndex={tab.id === selected ? 0 : -1}
            className={classes.tab}
            onClick={() => onSelect(tab.id)}
          >
            {tab.label}
            {tab.count !== undefined && <span className={classes.count}>{tab.count}</span>}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${selected}`} className={classes.panel}>
        {children}
      </div>
    </div>
  );
}

function nextIndex(key: string, at: number, count: number): number | undefined {
  if (key === "ArrowRight") return (at + 1) % count;
  if (key === "ArrowLeft") return (at - 1 + count) % count;
  if (key === "Home") return 0;
  return key === "End" ? count - 1 : undefined;
}
