import type { ReactNode } from "react";
import classes from "./key-value.module.css";

export interface KeyValueItem {
  key: string;
  value: ReactNode;
}

/** Names and values below each other. Items whose value is undefined, null or false are left out. */
export function KeyValueList({ items }: { items: readonly KeyValueItem[] }) {
  const shown = items.filter(({ value }) => value !== undefined && value !== null && value !== false);
  return (
    <dl className={classes.list}>
      {shown.map(({ key, value }) => (
        <div key={key} className={classes.item}>
          <dt>{key}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A key of the keyboard: `<Kbd>j</Kbd>`. */
export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className={classes.kbd}>{children}</kbd>;
}
