import type { RunListItem } from "@gantry/sdk";
import { useEffect, useMemo, useState } from "react";
import type { RunFilters } from "./run-filters.ts";

export interface Selection {
  /** Ids that were chosen one by one. */
  ids: ReadonlySet<string>;
  /** All runs that match the filters, those too that are not loaded. */
  isAll: boolean;
  /** How many are chosen; undefined where only the platform knows. */
  count: number | undefined;
  /** Some but not all of the loaded rows. */
  isMixed: boolean;
  isEveryRow: boolean;
  has: (id: string) => boolean;
  toggle: (id: string) => void;
  toggleRows: () => void;
  chooseAll: () => void;
  clear: () => void;
}

/** Which runs are chosen for a bulk action. Other filters begin with none. */
export function useSelection(rows: readonly RunListItem[], filters: RunFilters): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [isAll, setAll] = useState(false);
  const clear = () => {
    setIds(new Set());
    setAll(false);
  };
  useEffect(clear, [filters]);
  const isEveryRow = isAll || (rows.length > 0 && ids.size >= rows.length && rows.every(({ id }) => ids.has(id)));
  return useMemo(
    () => ({
      ids,
      isAll,
      count: isAll ? undefined : ids.size,
      isEveryRow,
      isMixed: !isEveryRow && ids.size > 0,
      has: (id) => isAll || ids.has(id),
      toggle: (id) => {
        setAll(false);
        setIds((before) => {
          const next = new Set(before);
          if (!next.delete(id)) next.add(id);
          return next;
        });
      },
      toggleRows: () => {
        setAll(false);
        setIds(isEveryRow ? new Set() : new Set(rows.map(({ id }) => id)));
      },
      chooseAll: () => setAll(true),
      clear,
    }),
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- clear does the same however often it is made
    [ids, isAll, isEveryRow, rows],
  );
}
