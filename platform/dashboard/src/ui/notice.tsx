import type { ReactNode } from "react";
import { Icon, type IconName } from "./icon.tsx";
import classes from "./notice.module.css";
import type { Tone } from "./tone.ts";

interface NoticeProps {
  tone?: Extract<Tone, "neutral" | "info" | "warning" | "danger" | "success">;
  icon?: IconName;
  /** Buttons at its end. */
  actions?: ReactNode;
  children: ReactNode;
}

/** One or two sentences that concern the whole of what is below. */
export function Notice({ tone = "neutral", icon = "info", actions, children }: NoticeProps) {
  return (
    <div className={`${classes.notice} ${classes[tone]}`}>
      <Icon name={icon} />
      <div className={classes.text}>{children}</div>
      {actions}
    </div>
  );
}
