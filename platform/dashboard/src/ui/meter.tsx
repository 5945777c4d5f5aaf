import classes from "./meter.module.css";
import type { Tone } from "./tone.ts";

export interface MeterPart {
  name: string;
  value: number;
  tone: Tone | "accent";
}

interface MeterProps {
  /** From the left; what is left of `total` stays empty. */
  parts: readonly MeterPart[];
  total: number;
  /** What it shows, in words: "3 of 10 run". */
  label: string;
  /** Any CSS length; default the whole width. */
  width?: string | number;
}

/** A bar that fills up. Its words stand beside it, or are its label. */
export function Meter({ parts, total, label, width = "100%" }: MeterProps) {
  const whole = Math.max(
    total,
    parts.reduce((sum, { value }) => sum + value, 0),
    1,
  );
  return (
    <span className={classes.meter} style={{ width }} role="img" aria-label={label} title={label}>
      {parts.map(({ name, value, tone }) =>
        value <= 0 ? null : (
          <span key={name} className={classes[tone]} style={{ width: `${(value / whole) * 100}%` }} />
        ),
      )}
    </span>
  );
}
