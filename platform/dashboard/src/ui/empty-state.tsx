import type { ReactNode } from "react";
import { CommandLine } from "./command-line.tsx";
import { Icon, type IconName } from "./icon.tsx";
import classes from "./state.module.css";

interface EmptyStateProps {
  icon?: IconName;
  /** What is not there: "No runs yet". */
  title: string;
  /** What to do. */
  children?: ReactNode;
  /** Commands to copy, one a line. */
  command?: string | undefined;
  /** Code to copy into a file. */
  code?: string | undefined;
  /** Buttons. */
  actions?: ReactNode;
}

/** Instead of a list without items. It says how there will be one. */
export function EmptyState({ icon = "circle", title, children, command, code, actions }: EmptyStateProps) {
  return (
    <div className={classes.state}>
      <span className={classes.icon}>
        <Icon name={icon} size={20} />
      </span>
      <h2>{title}</h2>
      {children !== undefined && <div className={classes.text}>{children}</div>}
      {command !== undefined && <CommandLine command={command} />}
      {code !== undefined && <CommandLine command={code} isCode />}
      {actions !== undefined && <div className={classes.actions}>{actions}</div>}
    </div>
  );
}
