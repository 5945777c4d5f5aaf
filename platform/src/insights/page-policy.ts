export interface ListPage {
  size: number;
  /** The page of older items after this one. */
  after?: string;
  /** The page of newer items before this one. */
  before?: string;
}

/** `found` is newest first and has one item more than asked for where there are more. Cursors are ids. */
export function pageOf<T extends { id: string }>(
  found: readonly T[],
  { size, after, before }: ListPage,
): { shown: T[]; next: string | undefined; previous: string | undefined } {
  const hasMore = found.length > size;
  if (before !== undefined) {
    const shown = found.slice(hasMore ? 1 : 0);
    return { shown, next: shown.at(-1)?.id, previous: hasMore ? shown[0]?.id : undefined };
  }
  const shown = found.slice(0, size);
  return {
    shown,
    next: hasMore ? shown.at(-1)?.id : undefined,
    previous: after === undefined ? undefined : shown[0]?.id,
  };
}
