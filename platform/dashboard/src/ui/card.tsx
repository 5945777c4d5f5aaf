import type { ReactNode } from "react";
import classes from "./card.module.css";
import { cx } from "./class-names.ts";

interface CardProps {
  title?: ReactNode;
  /** Beside the title. */
  actions?: ReactNode;
  /** One line below the title. */
  hint?: ReactNode;
  /** Without space around its content: for tables and lists. */
  isFlush?: boolean;
  children: ReactNode;
  className?: string | undefined;
}

/** A box with a heading. */
export function Card({ title, actions, hint, isFlush = false, children, className }: CardProps) {
  return (
    <section className={cx(classes.card, className)}>
      {(title !== undefined || actions !== undefined) && (
        <header className={classes.header}>
          <div className={classes.heading}>
            <h2>{title}</h2>
            {hint !== undefined && <p className={classes.hint}>{hint}</p>}
          </div>
          {actions !== undefined && <div className={classes.actions}>{actions}</div>}
        </header>
      )}
      <div className={isFlush ? classes.flush : classes.body}>{children}</div>
    </section>
  );
}
