import type { ReactNode } from "react";
import classes from "./badge.module.css";
import { cx } from "./class-names.ts";
import { Icon, type IconName } from "./icon.tsx";
import type { Tone } from "./tone.ts";

interface BadgeProps {
  tone?: Tone;
  icon?: IconName;
  /** Spins the icon. */
  isActive?: boolean;
  children: ReactNode;
  title?: string;
}

/** A short word about a thing. The word says it; the colour only helps. */
export function Badge({ tone = "neutral", icon, isActive = false, children, title }: BadgeProps) {
  return (
    <span className={cx(classes.badge, classes[tone])} title={title}>
      {icon && <Icon name={icon} size={13} className={isActive ? classes.spin : undefined} />}
      <span className="truncate">{children}</span>
    </span>
  );
}

/** A tag or another value of the user's: monospace, never wrapped, cut at its box. */
export function Chip({ children, title }: { children: ReactNode; title?: string }) {
  return (
    <span className={cx(classes.chip, "truncate")} title={title}>
      {children}
    </span>
  );
}
