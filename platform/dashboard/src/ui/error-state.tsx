import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { describeError } from "./error-text.ts";
import { Icon } from "./icon.tsx";
import classes from "./state.module.css";

interface ErrorStateProps {
  error: unknown;
  /** "Runs could not be loaded". */
  title?: string;
  /** Tries again; `query.refetch`. */
  onRetry?: (() => unknown) | undefined;
  children?: ReactNode;
}

/** Instead of content that could not be loaded: what is wrong, its code, and a way on. */
export function ErrorState({ error, title = "This could not be loaded", onRetry, children }: ErrorStateProps) {
  const { code, message, remedy } = describeError(error);
  return (
    <div className={classes.state} role="alert">
      <span className={`${classes.icon} ${classes.danger}`}>
        <Icon name="alert" size={20} />
      </span>
      <h2>{title}</h2>
      <p className={classes.text}>{message}</p>
      {remedy !== undefined && <p className={classes.text}>{remedy}</p>}
      {code !== undefined && <code className={classes.code}>{code}</code>}
      {children}
      {onRetry && (
        <Button icon="refresh" onClick={() => void onRetry()}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** An error in a form or a dialog, on one or two lines. */
export function ErrorText({ error }: { error: unknown }) {
  const { code, message, remedy } = describeError(error);
  return (
    <p className={classes.errorText} role="alert">
      <Icon name="alert" size={14} />
      <span>
        {message} {remedy} {code !== undefined && <code>{code}</code>}
      </span>
    </p>
  );
}
