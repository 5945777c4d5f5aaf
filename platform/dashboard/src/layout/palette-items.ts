import type { IconName } from "../ui/icon.tsx";

/** Something one can go to. */
export interface PaletteItem {
  /** Unique. */
  id: string;
  label: string;
  /** Right of the label: what kind of thing it is. */
  kind: string;
  icon: IconName;
  keywords?: string | undefined;
  go: () => void;
}

/**
 * The items that fit what was typed, best first: those that begin with it, then those with a word that does, then those that
 * contain it, then those that have its letters in their order.
 */
export function findItems(items: readonly PaletteItem[], typed: string, limit = 50): PaletteItem[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "") return items.slice(0, limit);
  return items
    .map((item, index) => ({ item, index, rank: rankOf(item, wanted) }))
    .filter(({ rank }) => rank > 0)
    .toSorted((a, b) => b.rank - a.rank || a.index - b.index)
    .slice(0, limit)
    .map(({ item }) => item);
}

function rankOf({ label, keywords = "" }: PaletteItem, wanted: string): number {
  const text = label.toLowerCase();
  if (text.startsWith(wanted)) return 5;
  if (text.split(/[\s/_.-]+/).some((word) => word.startsWith(wanted))) return 4;
  if (text.includes(wanted)) return 3;
  if (
    keywords
      .toLowerCase()
      .split(" ")
      .some((word) => word.startsWith(wanted))
  )
    return 2;
  return hasLetters(text, wanted) ? 1 : 0;
}

function hasLetters(text: string, wanted: string): boolean {
  let at = -1;
  return Array.from(wanted).every((letter) => {
    at = text.indexOf(letter, at + 1);
    return at !== -1;
  });
}

/** The id of a run, as it is or out of an address. */
export function runIdIn(typed: string): string | undefined {
  return /\brun_[0-9a-z]{26}\b/.exec(typed)?.[0];
}
