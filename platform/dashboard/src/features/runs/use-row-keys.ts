import type { RunListItem } from "@gantry/sdk";
import type { RefObject } from "react";
import { useShortcuts } from "../../ui/use-shortcuts.ts";
import type { VirtualTableHandle } from "../../ui/virtual-table.tsx";
import type { Selection } from "./use-selection.ts";

interface RowKeys {
  rows: readonly RunListItem[];
  /** -1 for none. */
  activeIndex: number;
  setActiveId: (id: string | undefined) => void;
  open: (run: RunListItem) => void;
  selection: Selection;
  table: RefObject<VirtualTableHandle | null>;
  onHelp: () => void;
}

/** The keys of shortcuts-dialog.tsx. */
export function useRowKeys({ rows, activeIndex, setActiveId, open, selection, table, onHelp }: RowKeys): void {
  const active = rows[activeIndex];
  const move = (step: number) => {
    const next = Math.min(rows.length - 1, Math.max(0, activeIndex + step));
    setActiveId(rows[next]?.id);
    table.current?.scrollToIndex(next);
  };
  useShortcuts({
    j: () => move(1),
    k: () => move(-1),
    Enter: () => active && open(active),
    x: () => active && selection.toggle(active.id),
    Escape: () => selection.clear(),
    "/": () => document.querySelector<HTMLInputElement>("#runs-search")?.focus(),
    "?": onHelp,
  });
}
