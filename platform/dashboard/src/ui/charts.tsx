import classes from "./charts.module.css";
import { cx } from "./class-names.ts";
import { formatCompact, formatNumber } from "./format.ts";
import type { Tone } from "./tone.ts";

interface SparklineProps {
  /** Oldest first. */
  values: readonly number[];
  /** What it shows, with its numbers in words: "Runs a hour, 24 h: 1,204 in all". */
  label: string;
  tone?: Tone | "accent";
  /** Pixels; default 96 × 24. */
  width?: number;
  height?: number;
}

/** A line without axes. */
export function Sparkline({ values, label, tone = "accent", width = 96, height = 24 }: SparklineProps) {
  const top = Math.max(...values, 1);
  const step = values.length > 1 ? (width - 2) / (values.length - 1) : 0;
  const points = values.map((value, index) => [1 + index * step, height - 1.5 - (value / top) * (height - 3)] as const);
  const line = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  return (
    <svg
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      className={classes[tone]}
    >
      <title>{label}</title>
      <polygon points={`1,${height} ${line} ${width - 1},${height}`} fill="var(--chart)" opacity={0.12} />
      <polyline
        points={line}
        fill="none"
        stroke="var(--chart)"
        strokeWidth={1.5}
        strokeLinejoin="round"
        strokeLinecap="round"
      />
    </svg>
  );
}

export interface BarPoint {
  /** On the x axis and in the tooltip: "14:00". */
  label: string;
  /** From the bottom up; one tone each. */
  parts: readonly { name: string; value: number; tone: Tone | "accent" }[];
}

interface BarSeriesProps {
  points: readonly BarPoint[];
  label: string;
  /** Pixels; default 120. The width is that of the box around it. */
  height?: number;
  /** Turns values into words; default "1,204". */
  format?: (value: number) => string;
  onSelect?: (index: number) => void;
}

/** Stacked bars over time, with the top value and the first and last label; a table of the same for screen readers. */
export function BarSeries({ points, label, height = 120, format = formatNumber, onSelect }: BarSeriesProps) {
  const totals = points.map(({ parts }) => parts.reduce((sum, { value }) => sum + value, 0));
  const top = Math.max(...totals, 1);
  return (
    <figure className={classes.figure} aria-label={label}>
      <div className={classes.scale} aria-hidden>
        {format === formatNumber ? formatCompact(top) : format(top)}
      </div>
      <div className={classes.bars} style={{ height }} aria-hidden>
        {points.map((point, index) => (
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: a day's first and last hour have one name; their order is what they are.
            key={index}
            className={cx(classes.slot, onSelect && classes.selectable)}
            title={`${point.label}\n${point.parts.map(({ name, value }) => `${name}: ${format(value)}`).join("\n")}`}
            onClick={onSelect && (() => onSelect(index))}
          >
            <div className={classes.bar} style={{ height: `${((totals[index] ?? 0) / top) * 100}%` }}>
              {point.parts.map(({ name, value, tone }) =>
                value === 0 ? null : <div key={name} className={classes[tone]} style={{ flexGrow: value }} />,
              )}
            </div>
          </div>
        ))}
      </div>
      <div className={classes.axis} aria-hidden>
        <span>{points[0]?.label}</span>
        <span>{points.at(-1)?.label}</span>
      </div>
      <DataTable label={label} points={points} format={format} />
    </figure>
  );
}

function DataTable({
  label,
  points,
  format,
}: {
  label: string;
  points: readonly BarPoint[];
  format: (value: number) => string;
}) {
  return (
    <table className="visually-hidden">
      <caption>{label}</caption>
      <tbody>
        {points.map((point, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the same.
          <tr key={index}>
            <th scope="row">{point.label}</th>
            {point.parts.map(({ name, value }) => (
              <td key={name}>
                {name}: {format(value)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
