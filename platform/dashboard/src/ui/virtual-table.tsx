import { useVirtualizer } from "@tanstack/react-virtual";
import { type Key, memo, type ReactNode, type Ref, useEffect, useImperativeHandle, useMemo, useRef } from "react";
import { cx } from "./class-names.ts";
import { type Column, cellClass, isPlainClick } from "./table.tsx";
import { useMediaQuery } from "./use-media-query.ts";
import classes from "./virtual-table.module.css";

export interface VirtualTableHandle {
  scrollToIndex(index: number): void;
  scrollToTop(): void;
  element: HTMLElement | null;
}

interface VirtualTableProps<T> {
  label: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  rowKey: (row: T) => Key;
  /** Pixels; all rows have the same height. Default 40. */
  rowHeight?: number;
  /** A row as a card, below 640 px; without it the table scrolls sideways inside its box. */
  compact?: (row: T) => ReactNode;
  /** Pixels of a card. Default 76. */
  compactHeight?: number;
  /** How many there are in all, where that is known and more than `rows`; -1 where it is not. */
  total?: number | undefined;
  activeIndex?: number | undefined;
  isSelected?: (row: T) => boolean;
  onOpen?: (row: T) => void;
  /** The last rows have come near: load more. */
  onEndReached?: () => void;
  /** Whether the list is scrolled away from its top. */
  onScrolled?: (isScrolled: boolean) => void;
  /** Which rows are in sight, first and last. */
  onRange?: (from: number, to: number) => void;
  /** Pixels from the top to begin at. */
  initialScroll?: number;
  /** Below the last row: "loading", "that is all". */
  footer?: ReactNode;
  ref?: Ref<VirtualTableHandle>;
}

const OVERSCAN = 8;

/** A list of any length, of which only the rows in sight are in the document. It fills the height of its parent. */
export function VirtualTable<T>(props: VirtualTableProps<T>) {
  const { label, columns, rows, rowKey, rowHeight = 40, compact, compactHeight = 76, footer, ref } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const isCompact = useMediaQuery("(max-width: 639px)") && compact !== undefined;
  const size = isCompact ? compactHeight : rowHeight;
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => size,
    getItemKey: (index) => rowKey(rows[index] as T),
    overscan: OVERSCAN,
    initialOffset: props.initialScroll ?? 0,
  });
  const { startIndex = 0, endIndex = 0 } = virtualizer.range ?? {};
  const { onRange } = props;
  useEffect(() => onRange?.(startIndex, endIndex), [onRange, startIndex, endIndex]);
  useEffect(() => virtualizer.measure(), [virtualizer, size]);
  useScrollEvents(scroller, endIndex, props);
  useImperativeHandle(ref, () => ({
    scrollToIndex: (index) => virtualizer.scrollToIndex(index),
    scrollToTop: () => scroller.current?.scrollTo({ top: 0 }),
    element: scroller.current,
  }));
  const template = useMemo(() => columns.map(({ width }) => width ?? "minmax(0, 1fr)"), [columns]);
  return (
    <div
      ref={scroller}
      role="table"
      aria-label={label}
      aria-rowcount={props.total ?? rows.length}
      tabIndex={0}
      className={cx(classes.scroll, isCompact && classes.compact)}
    >
      <div className={classes.sizer} style={isCompact ? undefined : gridStyle(columns, template)}>
        {!isCompact && <HeaderRow columns={columns} />}
        <div role="rowgroup" className={classes.body} style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map(({ index, key, start }) => (
            <Row
              key={key}
              row={rows[index] as T}
              index={index}
              start={start}
              size={size}
              columns={columns}
              compact={isCompact ? compact : undefined}
              isActive={props.activeIndex === index}
              isSelected={props.isSelected?.(rows[index] as T) ?? false}
              onOpen={props.onOpen}
            />
          ))}
        </div>
        {footer !== undefined && <div className={classes.footer}>{footer}</div>}
      </div>
    </div>
  );
}

function useScrollEvents<T>(
  scroller: { current: HTMLDivElement | null },
  endIndex: number,
  { rows, onEndReached, onScrolled }: VirtualTableProps<T>,
): void {
  const isNearEnd = rows.length > 0 && endIndex >= rows.length - 30;
  useEffect(() => {
    if (isNearEnd) onEndReached?.();
  }, [isNearEnd, rows.length, onEndReached]);
  useEffect(() => {
    const element = scroller.current;
    if (element === null || onScrolled === undefined) return undefined;
    const look = () => onScrolled(element.scrollTop > 8);
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, [scroller, onScrolled]);
}

/** One grid for the header and all rows; columns that are hidden at a width leave it by `display: none`. */
function gridStyle<T>(columns: readonly Column<T>[], template: string[]) {
  const at = (limit: number) => template.filter((_, index) => (columns[index]?.hideBelow ?? 0) <= limit).join(" ");
  return {
    "--columns": template.join(" "),
    "--columns-900": at(900),
    "--columns-640": at(640),
    "--columns-0": at(0),
  } as React.CSSProperties;
}

function HeaderRow<T>({ columns }: { columns: readonly Column<T>[] }) {
  return (
    <div role="rowgroup" className={classes.head}>
      <div role="row" className={classes.row} aria-rowindex={1}>
        {columns.map((column) => (
          <div role="columnheader" key={column.id} className={cx(classes.cell, cellClass(column))}>
            {column.header}
          </div>
        ))}
      </div>
    </div>
  );
}

interface RowProps<T> {
  row: T;
  index: number;
  start: number;
  size: number;
  columns: readonly Column<T>[];
  compact: ((row: T) => ReactNode) | undefined;
  isActive: boolean;
  isSelected: boolean;
  onOpen: ((row: T) => void) | undefined;
}

/** Drawn again only where its own row, place or marks change. */
const Row = memo(function Row<T>(props: RowProps<T>) {
  const { row, index, start, size, columns, compact, isActive, isSelected, onOpen } = props;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected || undefined}
      data-row
      className={cx(
        classes.row,
        classes.item,
        onOpen && classes.opens,
        isActive && classes.active,
        isSelected && classes.selected,
      )}
      style={{ height: size, transform: `translateY(${start}px)` }}
      onClick={onOpen && ((event) => isPlainClick(event) && onOpen(row))}
    >
      {compact ? (
        <div role="cell" className={classes.card}>
          {compact(row)}
        </div>
      ) : (
        columns.map((column) => (
          <div role="cell" key={column.id} className={cx(classes.cell, cellClass(column))}>
            {column.cell(row)}
          </div>
        ))
      )}
    </div>
  );
}) as <T>(props: RowProps<T>) => ReactNode;
