import { Button } from "./button.tsx";
import { describeError } from "./error-text.ts";
import { Icon } from "./icon.tsx";
import classes from "./notice.module.css";
import { RelativeTime } from "./time.tsx";

/** Above what is shown though it could not be read again. */
export function StaleNotice({ error, since, onRetry }: { error: unknown; since: number; onRetry: () => unknown }) {
  return (
    <div className={`${classes.notice} ${classes.warning}`} role="status">
      <Icon name="alert" />
      <span className={classes.text}>
        As it was <RelativeTime at={since} />: {describeError(error).message}
      </span>
      <Button size="sm" variant="ghost" icon="refresh" onClick={() => void onRetry()}>
        Try again
      </Button>
    </div>
  );
}
