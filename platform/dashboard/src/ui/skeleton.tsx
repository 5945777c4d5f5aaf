import classes from "./skeleton.module.css";

interface SkeletonProps {
  /** Any CSS length; default the whole width. */
  width?: string | number;
  /** Pixels; default 14. Give what will be there its final height. */
  height?: number;
}

/** A grey bar where something will be. */
export function Skeleton({ width = "100%", height = 14 }: SkeletonProps) {
  return <span aria-hidden className={classes.bar} style={{ width, height }} />;
}

/** As many rows as a list will have, of its height. */
export function SkeletonRows({ rows = 8, height = 40 }: { rows?: number; height?: number }) {
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className={classes.row} style={{ height }}>
          <Skeleton width={`${18 + ((index * 7) % 14)}%`} />
          <Skeleton width={80} />
          <Skeleton width={`${10 + ((index * 5) % 12)}%`} />
        </div>
      ))}
    </div>
  );
}
