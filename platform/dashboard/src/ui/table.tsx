import type { Key, MouseEvent, ReactNode } from "react";
import { cx } from "./class-names.ts";
import { Icon } from "./icon.tsx";
import classes from "./table.module.css";

export interface Column<T> {
  id: string;
  header: ReactNode;
  cell: (row: T) => ReactNode;
  /** Any CSS length, or `1fr`-like shares in a VirtualTable. */
  width?: string;
  align?: "start" | "end";
  /** Left out below so many pixels of window width. */
  hideBelow?: 640 | 900 | 1200;
  isSortable?: boolean;
}

export interface Sort {
  by: string;
  direction: "asc" | "desc";
}

interface TableProps<T> {
  /** What the table shows, for screen readers. */
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => Key;
  sort?: Sort | undefined;
  onSort?: (sort: Sort) => void;
  /** For a click anywhere in a row but on its controls. Give the row a link too: the keyboard goes there. */
  onOpen?: (row: T) => void;
  isActive?: (row: T) => boolean;
  /** Instead of rows where there are none. */
  empty?: ReactNode;
  /** Below 640 px each row is a card: the first column on top, the others below it with their headers. */
  hasCards?: boolean;
}

/** A table of up to a few hundred rows, with a header that stays. It scrolls inside its own box where it is too wide. */
export function Table<T>({
  label,
  columns,
  rows,
  rowKey,
  sort,
  onSort,
  onOpen,
  isActive,
  empty,
  hasCards = false,
}: TableProps<T>) {
  if (rows.length === 0 && empty !== undefined) return <>{empty}</>;
  return (
    <section
      data-cards={hasCards || undefined}
      className={cx(classes.scroll, hasCards && classes.cards)}
      aria-label={label}
      tabIndex={0}
    >
      <table className={classes.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sort={sort} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr
              key={rowKey(row)}
              className={cx(onOpen && classes.opens, isActive?.(row) && classes.active)}
              onClick={onOpen && ((event) => isPlainClick(event) && onOpen(row))}
            >
              {columns.map((column) => (
                <td
                  key={column.id}
                  className={cellClass(column)}
                  data-label={typeof column.header === "string" ? column.header : undefined}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

interface HeaderCellProps<T> {
  column: Column<T>;
  sort: Sort | undefined;
  onSort: ((sort: Sort) => void) | undefined;
}

function HeaderCell<T>({ column, sort, onSort }: HeaderCellProps<T>) {
  const direction = sort?.by === column.id ? sort.direction : undefined;
  const ariaSort = direction === undefined ? undefined : direction === "asc" ? "ascending" : "descending";
  return (
    <th scope="col" className={cellClass(column)} style={{ width: column.width }} aria-sort={ariaSort}>
      {column.isSortable && onSort ? (
        <button
          type="button"
          className={classes.sort}
          onClick={() => onSort({ by: column.id, direction: direction === "desc" ? "asc" : "desc" })}
        >
          {column.header}
          <Icon
            name={direction === "asc" ? "chevron-up" : direction === "desc" ? "chevron-down" : "chevrons-up-down"}
            size={12}
          />
        </button>
      ) : (
        column.header
      )}
    </th>
  );
}

const HIDE = { 640: classes.hide640, 900: classes.hide900, 1200: classes.hide1200 };

export function cellClass<T>({ align, hideBelow }: Column<T>): string {
  return cx(align === "end" && classes.end, hideBelow && HIDE[hideBelow]);
}

/** Whether a click on a row means the row: not a control within it, not a selection of text, not a new tab. */
export function isPlainClick(event: MouseEvent): boolean {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return false;
  if ((event.target as Element).closest("a, button, input, label, select, summary, [role=menu]") !== null) return false;
  return (window.getSelection()?.isCollapsed ?? true) === true;
}
