import type { ReactNode } from "react";

/** `of` is undefined until the file has been read. */
export function Progress({
  done,
  of,
  rejected,
}: {
  done: number;
  of: number | undefined;
  rejected: number;
}): ReactNode {
  const percent = of === undefined || of === 0 ? 0 : Math.round((100 * done) / of);
  return (
    <div className="progress">
      <progress max={100} value={percent} aria-label="Rows checked" />
      <p>
        <span>{of === undefined ? "Reading the file" : `${done} of ${of} rows`}</span>
        <span>{rejected > 0 && `${rejected} with a problem`}</span>
        <span>{percent} %</span>
      </p>
    </div>
  );
}
